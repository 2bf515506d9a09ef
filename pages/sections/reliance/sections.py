"""The sections of the page "Background and texture": one a measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from pages.sections.reliance import background, cues, frequency
from pages.sections.reliance.view import View, title

if TYPE_CHECKING:
    from engine.core.request import Result


def draw(view: View, measure: str, computed: Mapping[str, Result], turn: Callable[[View], None]) -> None:
    """One measurement's section: `computed` are the results by model, in the view's order, of those that are there."""
    drawn = {
        "background": background.background,
        "frequency": frequency.frequency,
        "counterfactual": cues.counterfactual,
        "texture": cues.texture,
        "spectrum": frequency.spectrum,
        "challenge": cues.challenge,
    }[measure]
    st.header(title(measure), anchor=measure)
    drawn(view, computed, turn)
