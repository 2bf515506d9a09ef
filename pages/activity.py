"""Activity: what people do on this server, for its operators."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, serve, who
from pages.sections.people import activity

st.title("Activity", anchor=False)
st.caption("What runs and waits, and what people did. For operators of this server.")
serve.ready()
with errors.shown():
    who.person().require("operator", "see what others do")
    activity.running()
    activity.history()
