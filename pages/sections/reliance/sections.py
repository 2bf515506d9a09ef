"""The sections of the page "Background and texture": one a measurement, and what was left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from pages.sections.reliance import background, cues, frequency
from pages.sections.reliance.view import MEASURES, View

if TYPE_CHECKING:
    from engine.core.request import Result


def draw(view: View, measure: str, found: Mapping[str, Result], turn: Callable[[View], None]) -> None:
    """One measurement's section: `found` are the results by model, in the view's order, of those that are there."""
    drawn = {
        "background": background.background,
        "frequency": frequency.frequency,
        "places": cues.places,
        "texture": cues.texture,
        "gradients": frequency.gradients,
        "challenge": cues.challenge,
    }[measure]
    st.header(MEASURES[measure], anchor=measure)
    drawn(view, found, turn)


def left_out(found: Mapping[str, Result]) -> None:
    """What no measurement could use, each entry once."""
    entries = list(dict.fromkeys(tuple(entry) for result in found.values() for entry in result.facts["skipped"]))
    if entries:
        with st.expander(f"Left out: {len(entries)}", icon=":material/report:"):
            st.dataframe(pd.DataFrame(entries, columns=["what", "why"]), hide_index=True)
