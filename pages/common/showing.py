"""What the feature visualization page is showing: kept in the session, and always the same as what its address says."""

from __future__ import annotations

import streamlit as st

from engine.errors import VitrineError
from pages.common import gallery, permalink, pickers, results, serve
from pages.common.batch import Batch
from pages.common.view import Row, View, check, rows

SETUP = "fv_setup"
_VIEW, _LINK, _BATCH, _NOTICE = "fv_view", "fv_link", "fv_batch", "fv_notice"


def follow_link() -> list[str]:
    """Show what the address asks for when it is new (a link was opened, or a person went back). Says what was wrong."""
    state, now = st.session_state, st.query_params.to_dict()
    if not now and state.get(_VIEW) is not None:
        st.query_params.from_dict(permalink.write(state[_VIEW]))  # back from another page, which cleared the address
    elif now and now != state.get(_LINK):
        view, problems = permalink.read(now)
        problems += [] if view or problems else ["It names no units. Write ?a=model@site:units."]
        if view is not None and (refused := _refusal(view)):
            view, problems = None, [*problems, refused]
        state[_VIEW], state[_LINK], state[_BATCH], state[_NOTICE] = view, now, None, problems
        state[SETUP] = view is None
        if view is not None:
            pickers.fill(view)
    return state.get(_NOTICE) or []


def view() -> View | None:
    """What is shown; None before anything was asked for."""
    return st.session_state.get(_VIEW)


def show(view: View, compute: bool) -> None:
    """Show this view from the next run on, with its link in the address; compute what is not there yet if asked to."""
    state = st.session_state
    state[_VIEW], state[_LINK], state[_NOTICE] = view, permalink.write(view), []
    state["fv_close"] = True
    st.query_params.from_dict(permalink.write(view))
    state[_BATCH] = None
    if compute:
        state[_BATCH] = Batch.of([row.request for row in rows(view)], serve.owner())
        gallery.give_way()
    st.rerun()


def settle() -> None:
    """Close the setup when the run before asked for it (a container cannot be closed once it is drawn)."""
    if st.session_state.pop("fv_close", False):
        st.session_state[SETUP] = False


def batch(shown: list[Row]) -> Batch | None:
    """The jobs of this view: those that this session started, or those that are on already (a reloaded page)."""
    from engine.jobs import jobs

    state = st.session_state
    if state.get(_BATCH) is None:
        running = {job.id for job in jobs().active()}
        mine = [row.request for row in shown if row.key in running]
        if mine:
            state[_BATCH] = Batch.of(mine, serve.owner())
    return state.get(_BATCH)


def coming(batch: Batch | None) -> set[str]:
    """The keys of results that are on their way."""
    from engine.jobs import jobs

    return batch.coming(jobs()) if batch else set()


def _refusal(view: View) -> str | None:
    """Why a view that came with a link cannot be shown; None where it can."""
    try:
        for row in rows(view):
            # What is stored needs no model: it shows at once.
            if results.find(row.key) is None:
                check(row.address, view.data)
    except VitrineError as error:
        return str(error)
    return None
