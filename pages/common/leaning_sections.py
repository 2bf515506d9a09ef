"""The sections of the page "Background and texture": one a measurement, and what was left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from pages.common import leaning_background, leaning_cues, leaning_spectra
from pages.common.leaning_view import MEASURES, View

if TYPE_CHECKING:
    from engine.experiment import Result


def draw(view: View, measure: str, found: Mapping[str, Result], turn: Callable[[View], None]) -> None:
    """One measurement's section: `found` are the results by model, in the view's order, of those that are there."""
    drawn = {
        "background": leaning_background.background,
        "frequency": leaning_spectra.frequency,
        "places": leaning_cues.places,
        "texture": leaning_cues.texture,
        "gradients": leaning_spectra.gradients,
        "challenge": leaning_cues.challenge,
    }[measure]
    st.header(MEASURES[measure], anchor=measure)
    drawn(view, found, turn)


def left_out(found: Mapping[str, Result]) -> None:
    """What no measurement could use, each entry once."""
    entries = list(dict.fromkeys(tuple(entry) for result in found.values() for entry in result.facts["skipped"]))
    if entries:
        with st.expander(f"Left out: {len(entries)}", icon=":material/report:"):
            st.dataframe(pd.DataFrame(entries, columns=["what", "why"]), hide_index=True)
