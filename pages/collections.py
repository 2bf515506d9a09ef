"""Collections: what a person gathers, orders, annotates and shares."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, who
from pages.sections.collections import one, overview, state

id = st.query_params.get(state.PARAMETER)
with errors.shown():
    if id:
        # A link from this page to itself brings its parameter, but leaves the browser's address as it was.
        st.query_params.from_dict({state.PARAMETER: id})
        one.draw(id, who.person())
    else:
        overview.draw(who.person())
