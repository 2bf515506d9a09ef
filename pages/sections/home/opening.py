"""A figure that was saved from Vitrine opens what it shows."""

from __future__ import annotations

import streamlit as st

from pages.common import errors
from pages.common.units.uploads import FOR_MEMBERS, may_upload, open_figure


def draw() -> None:
    """The box to drop it on."""
    takes = may_upload()
    says = "A PNG from the button “Figure” says what it shows." if takes else FOR_MEMBERS
    file = st.file_uploader("Open a saved figure", ["png"], key="home_figure", help=says, disabled=not takes)
    if file is None:
        return
    with errors.shown():
        from engine.figures.metadata import origin_of

        open_figure(origin_of(file.getvalue(), file.name), file.name)
