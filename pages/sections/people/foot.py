"""At the foot of every page: who one is, what one may, and signing in or out. Nothing where nobody signs in."""

from __future__ import annotations

import streamlit as st

from engine.core import config
from pages.common import errors, who
from pages.sections.people import gate

MAY = {
    "viewer": "You may open what is computed.",
    "member": "You may compute.",
    "operator": "You may do everything here.",
}


def draw() -> None:
    """A quiet line."""
    with errors.shown():
        login = config.settings().access.login
        person = who.here()
        if login == "none" or person is None:
            return
        with st.container(key="person", horizontal=True, vertical_alignment="center"):
            if person.id.startswith("browser:"):
                st.caption(f":material/person: Visitor. {MAY[person.role]}", width="content")
                if login == "oidc":
                    gate.sign_in()
                return
            told = f":material/person: {errors.escape(person.name)} · {person.role}. {MAY[person.role]}"
            st.caption(told, width="content")
            if login == "oidc":
                gate.sign_out()
