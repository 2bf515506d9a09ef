"""Home: pictures of what networks look for, at once; then where to go. Nothing here waits for torch."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, serve
from pages.common.fragments import fragment
from pages.sections.home import entrances, exhibition, find, gallery, interrupted, opening, photo

title, search = st.columns([1, 1.2], vertical_alignment="center")
title.title("Vitrine", anchor=False)
with search:
    find.box()
st.markdown(gallery.ABOUT)
real, starter = gallery.EXHIBITS[:2], gallery.EXHIBITS[2:]
with errors.shown():
    exhibition.draw(real)
with errors.shown():
    photo.box()
with errors.shown():
    exhibition.draw(starter)
with st.container(horizontal=True, vertical_alignment="center"):
    entrances.surprise()
    with st.popover("Open a saved figure", icon=":material/photo_size_select_large:"):
        opening.draw()
    with errors.shown():
        exhibition.figure()
entrances.draw()


@fragment(None if serve.is_ready() else 2.0)
def unfinished() -> None:
    """What was interrupted, as soon as the engine is there that knows."""
    if serve.is_ready():
        with errors.shown():
            interrupted.draw()


unfinished()
