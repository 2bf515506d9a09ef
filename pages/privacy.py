"""Privacy and your data: what is stored here, for how long and who sees it, and what one stored oneself."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, serve
from pages.sections.people import allowed, stored

st.title("Privacy and your data", anchor=False)
st.caption("What this server stores, for how long, and who can see it. Below: what you stored, and how to delete it.")
with errors.shown():
    stored.told()
with errors.shown():
    allowed.told()
serve.ready()
with errors.shown():
    stored.mine()
