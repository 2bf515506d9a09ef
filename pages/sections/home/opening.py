"""A figure that was saved from Vitrine opens what it shows."""

from __future__ import annotations

import streamlit as st

from pages.common import errors
from pages.common.experiments.places import BY_NAME
from pages.common.units.uploads import FOR_MEMBERS, may_upload


def draw() -> None:
    """The box to drop it on."""
    takes = may_upload()
    says = "A PNG from the button “Figure” says what it shows." if takes else FOR_MEMBERS
    file = st.file_uploader("Open a saved figure", ["png"], key="home_figure", help=says, disabled=not takes)
    if file is None:
        return
    with errors.shown():
        from engine.core.errors import RefusedFile
        from engine.figures.metadata import origin_of, parameters

        origin = origin_of(file.getvalue(), file.name)
        if origin.page not in BY_NAME:
            raise RefusedFile(f"{file.name[:80]} names a page that is not there. It may come from a newer version.")
        st.switch_page(BY_NAME[origin.page], query_params=parameters(origin))
