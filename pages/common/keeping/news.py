"""Word of what is done: a quiet line on whichever page a person is, while there is something they have not looked at."""

from __future__ import annotations

import sys

import streamlit as st

from engine.core.errors import VitrineError
from engine.sharing import notices
from engine.sharing.history import Line
from pages.common import errors, results, who
from pages.common.experiments import places
from pages.common.fragments import fragment

LOOK_SECONDS = 5.0


def draw() -> None:
    """The line. What the page shows anyway counts as seen. While people's jobs are on, it looks again by itself."""
    _look()
    fragment(LOOK_SECONDS if _something_is_on() else None)(_line)()


def _look() -> list[Line]:
    person = who.person()
    try:
        news = notices.unseen(person)
        seen = [line.key for line in news if line.key in results.looked_at()]
        if seen:
            notices.see(person, seen)
    except VitrineError:  # said where it matters; here it is only word that does not come
        return []
    return [line for line in news if line.key not in seen]


def _line() -> None:
    news = _look()
    if not news:
        return
    with st.container(key="news", horizontal=True, vertical_alignment="center", gap="small"):
        for line in news[: notices.SHOWN]:
            done = line.status == "done"
            st.page_link(
                places.RESULT,
                label=f"{'Done' if done else 'Failed'}: {errors.escape(line.title)}",
                icon=":material/check_circle:" if done else ":material/error:",
                query_params={"r": line.key},
                width="content",
            )
        if len(news) > notices.SHOWN:
            st.page_link(places.HISTORY, label=f"and {len(news) - notices.SHOWN} more", width="content")
        st.button(
            "",
            icon=":material/close:",
            type="tertiary",
            key="news-seen",
            help="Dismiss",
            on_click=_dismiss,
        )


def _dismiss() -> None:
    with errors.shown():
        notices.see(who.person())


def _something_is_on() -> bool:
    if "engine.jobs.scheduler" not in sys.modules:  # nobody asked for anything yet
        return False
    from engine.jobs.scheduler import jobs

    counts = jobs().counts()
    return bool(counts["running"] + counts["queued"])
