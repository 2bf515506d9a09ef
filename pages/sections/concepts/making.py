"""What is wanted beside a section's own results (a unit's picture, the words of a layer): made one by one, in one panel.

Invariant: nothing is made that nobody asked for, and what was asked for is told until it is there.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.common import errors, job_panel, results, who
from pages.common.batch import Batch
from pages.common.experiment_page import ExperimentPage, Part
from pages.sections.concepts import view as views

if TYPE_CHECKING:
    from engine.core.request import Result
    from pages.sections.concepts.view import ConceptsView

MOMENT = 1.5
"""Seconds for which a page with nothing new is better than one that flickers."""


def named(view: ConceptsView, model: str, site: str) -> Result | None:
    """The words of a layer's units; None where they are not there, or where the reader is not here."""
    from engine.core.errors import VitrineError

    try:
        return results.find(views.naming(view, model, site).key())
    except VitrineError:
        return None


def want(page: ExperimentPage[ConceptsView], parts: Sequence[Part]) -> None:
    """Ask for these, behind what was asked for before. Raises VitrineError where a model or data set is not there."""
    state, titles = st.session_state, st.session_state.setdefault(page.key("titles"), {})
    batch = state.get(page.key("making"))
    if batch is None or batch.stopped:
        batch = state[page.key("making")] = Batch({}, who.person())
    for part in parts:
        key = part.request.key()
        batch.submitted = [
            each for each in batch.submitted if each != key
        ]  # asked again after it was stopped or failed
        batch.requests[key] = part.request
        titles[key] = part.title


def panel(page: ExperimentPage[ConceptsView]) -> None:
    """How far what was asked for is; nothing where all of it is there."""
    batch = st.session_state.get(page.key("making"))
    if batch is None:
        return
    titles = st.session_state[page.key("titles")]
    absent = {key: titles[key] for key in batch.requests if results.find(key) is None}
    if absent:
        with errors.shown():
            job_panel.draw(batch, absent, f"{page.prefix}-making")


def wait_briefly(page: ExperimentPage[ConceptsView], parts: Sequence[Part]) -> None:
    """Give what was just asked for a moment to be there at once, so that a quick answer shows no panel first."""
    from engine.jobs.scheduler import jobs

    batch = page.batch([part.request for part in parts])
    if batch is not None:
        end = time.monotonic() + MOMENT
        batch.advance(jobs())
        for key in batch.requests:
            jobs().wait(key, max(0.0, end - time.monotonic()))


def coming(page: ExperimentPage[ConceptsView]) -> set[str]:
    """The keys of what is on its way."""
    from engine.jobs.scheduler import jobs

    batch = st.session_state.get(page.key("making"))
    return batch.coming(jobs()) if batch else set()
