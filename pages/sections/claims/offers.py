"""What is still to be computed, what it will cost, and Run: for all claims, or for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st

from engine.core.errors import VitrineError
from pages.common import errors, job_panel, results, who
from pages.common.batch import Batch
from pages.common.experiment_page import VIEWING, ExperimentPage, coming
from pages.sections.claims.view import ClaimsView

if TYPE_CHECKING:
    from engine.claims.claim import Claim, Part

COSTS_SECONDS = 60
"""How long it is remembered what a choice takes: its images may change, and a page asks at every click."""


def every(
    page: ExperimentPage[ClaimsView], absent: Mapping[str, Part], keys: Mapping[str, str], batch: Batch | None
) -> None:
    """What all that is missing costs, with a button; and the progress of what is on its way."""
    from engine.claims.cost import in_words

    on_their_way = coming(batch)
    open_ = [part for name, part in absent.items() if keys[name] not in on_their_way]
    if open_ and not who.person().is_at_least("member"):
        errors.hint(VIEWING, "visibility")
    elif open_:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            if st.button("Run all", type="primary", icon=":material/play_arrow:", key=page.key("compute")):
                _run(page, open_, batch)
            st.markdown(_still(len(open_), len(keys), in_words(open_)), width="content")
    if batch is not None:
        titles = {keys[name]: errors.escape(part.what) for name, part in absent.items() if keys[name] in batch.requests}
        job_panel.draw(batch, titles, page.prefix)


def before_run(view: ClaimsView) -> None:
    """What Run will compute of a choice that is not shown yet, and how long that takes. Nothing where that is not known before:
    a model is not on this machine, or nothing can be measured."""
    from engine.claims.cost import roughly
    from engine.models import catalog

    with suppress(VitrineError):  # what is wrong with the choice is said once it is asked for
        if all(catalog.find(model).available for model in (view.a, view.b, view.clip) if model):
            costs = _costs(view.a, view.b or "", view.clip or "", view.data)
            absent = [seconds for key, seconds in costs.items() if results.read(key) is None]
            if costs:
                told = (
                    _still(len(absent), len(costs), roughly(sum(absent)))
                    if absent
                    else "All of it is computed already."
                )
                st.caption(told, width="content")


@st.cache_resource(ttl=COSTS_SECONDS, max_entries=64, show_spinner="Looking at what there is to measure")
def _costs(*fields: str) -> dict[str, float]:
    """The seconds of each part of a subject, by the key of its result. Models that nobody has used lately are read for it."""
    from engine.claims.cost import seconds_of
    from engine.claims.order import parts
    from engine.claims.subject import Subject

    return {part.request.key(): seconds_of(part.request) for part in parts(Subject(*fields)).values()}


def _still(absent: int, of: int, time: str) -> str:
    count = f"{absent} of {of} measurements are" if absent > 1 else "One measurement is"
    return f"{count} not computed yet: {time}."


def one(page: ExperimentPage[ClaimsView], claim: Claim, lacking: Sequence[Part], batch: Batch | None) -> None:
    """What a claim still needs, with a button for it alone."""
    from engine.claims.cost import in_words

    on_their_way = coming(batch)
    waiting = [part for part in lacking if part.request.key() not in on_their_way]
    if not waiting:
        st.caption(f"On its way: {errors.escape('; '.join(part.what for part in lacking))}.")
        return
    if not who.person().is_at_least("member"):  # which is said above
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(f"Run claim: {claim.title}", icon=":material/play_arrow:", key=page.key(f"run_{claim.name}")):
            _run(page, waiting, batch)
        st.caption(f"{errors.escape('; '.join(part.what for part in waiting))}: {in_words(waiting)}.", width="content")


def _run(page: ExperimentPage[ClaimsView], wanted: Sequence[Part], batch: Batch | None) -> None:
    """Ask for these, after what is on its way already."""
    before = [batch.requests[key] for key in batch.requests if key in coming(batch)] if batch else []
    st.session_state[page.key("batch")] = Batch.of([*before, *(part.request for part in wanted)], who.person())
    st.rerun()
