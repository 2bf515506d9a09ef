"""What a server that was stopped in the middle of something did not finish, with a link to go on with it."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, who
from pages.common.experiments import opening
from pages.common.experiments.opening import Opens

SHOWN = 5


def draw() -> None:
    """A quiet list; nothing where nothing was interrupted."""
    from engine.jobs.scheduler import jobs

    listed = [
        (key, told)
        for key, facts in jobs().interrupted(who.person()).items()
        if (told := opening.of_facts(facts)) is not None
    ]
    if not listed:
        return
    with st.container(border=True):
        st.markdown(":material/history: Not finished when Vitrine was stopped. Nothing that was finished is lost.")
        for key, told in listed[-SHOWN:]:
            _line(key, told)
        if len(listed) > SHOWN:
            st.caption(f"and {len(listed) - SHOWN} more")
        if len(listed) > 1:
            st.button(
                "Dismiss all",
                key="forget",
                type="tertiary",
                icon=":material/clear_all:",
                on_click=_dismiss,
            )


def _line(key: str, told: Opens) -> None:
    """One request: the link that goes on with it, and a way to be rid of it."""

    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.page_link(
            told.script,
            label=errors.code(told.label),
            icon=":material/replay:",
            query_params=told.link,
            width="content",
        )
        st.button(
            "",
            key=f"forget-{key}",
            type="tertiary",
            icon=":material/close:",
            help="Dismiss this one",
            on_click=_dismiss,
            args=(key,),
        )


def _dismiss(key: str | None = None) -> None:
    from engine.jobs.scheduler import jobs

    jobs().forget_interrupted(who.person(), key)
