"""One stored result on its own: what it is, who made it when and with what, and what has changed since."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, serve, who
from pages.sections.collections import result

serve.ready()
with errors.shown():
    result.draw(st.query_params.get("r", ""), who.person())
