"""The sections of the page "Background and texture": one a measurement."""

from __future__ import annotations

import streamlit as st

from pages.sections.reliance import background, cues, frequency, images
from pages.sections.reliance.shown import Shown
from pages.sections.reliance.view import title


def draw(shown: Shown) -> None:
    """One measurement's section, of the models whose results are there; what is known before, where none is yet."""
    drawn = {
        "background": background.background,
        "frequency": frequency.frequency,
        "counterfactual": cues.counterfactual,
        "texture": cues.texture,
        "spectrum": frequency.spectrum,
        "challenge": cues.challenge,
    }[shown.measure]
    st.header(title(shown.measure), anchor=shown.measure)
    if shown.computed:
        drawn(shown)
    else:
        st.caption("Not measured yet.")
        images.ahead(shown)
