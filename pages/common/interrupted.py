"""What a server that was stopped in the middle of something did not finish, with a link to go on with it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.address import Address
from pages.common import gallery, permalink
from pages.common.view import View
from pages.common.wall import PAGE

SHOWN = 5


def draw() -> None:
    """A quiet list; nothing where nothing was interrupted."""
    from engine.jobs import jobs

    views = [view_of(facts) for facts in jobs().interrupted()]
    found = [view for view in views if view is not None and not gallery.shows(view)]
    if not found:
        return
    with st.container(border=True):
        st.markdown(":material/history: Not finished when Vitrine was stopped. Nothing that was finished is lost.")
        for view in found[-SHOWN:]:
            st.page_link(PAGE, label=f"`{view.a}`", icon=":material/replay:", query_params=permalink.write(view))
        if len(found) > SHOWN:
            st.caption(f"and {len(found) - SHOWN} more")
        if st.button("Forget these", key="forget", type="tertiary", icon=":material/close:"):
            jobs().forget_interrupted()
            st.rerun()


def view_of(facts: dict[str, Any]) -> View | None:
    """The view that shows what a request asked for; None for requests that no page shows by themselves."""
    if facts.get("experiment") != "visualize":
        return None
    address = Address(facts["model"], facts["site"], tuple(facts["units"]))
    return View(address, None, facts["recipe"], facts["seed"], facts["opposite"], facts["data"])
