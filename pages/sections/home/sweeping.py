"""Sweeps on the page "Models": those that are on, pausing, going on with and cancelling them, and taking along what they made."""

from __future__ import annotations

import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import streamlit as st

from engine import COMMAND
from engine.core import config
from engine.core.choices import LARGEST_FILE
from pages.common import errors, query, who, words
from pages.common.experiments.places import SCRIPTS
from pages.common.fragments import fragment
from pages.common.units.view import View
from pages.sections.home import sweep_form

if TYPE_CHECKING:
    from engine.people.person import Person
    from engine.sweeps.state import Sweep

POLL_SECONDS = 2.0
_ONE_AT_A_TIME = threading.Lock()
ABOUT = (
    "Pictures of many units of many layers, their words or what they lean on, made in parts while nobody asks for anything else. "
    "What is finished stays, whatever happens, and is found on every page."
)
TOLD = {
    "done": ":material/check_circle: Done",
    "running": ":material/autorenew: On",
    "failed": ":material/error: Ended, but for the parts that failed",
    "paused": ":material/pause_circle: Paused",
    "cancelled": ":material/cancel: Cancelled",
    "interrupted": ":material/help: Interrupted: the process that worked on it is gone",
}
STOPPED = {"on": "", "paused": " You paused it.", "cancelled": " You cancelled it."}


def draw() -> None:
    """The form, and the sweeps of whoever looks; an operator sees all."""
    from engine.sweeps import state

    st.header("Sweeps", anchor=False)
    st.caption(ABOUT)
    person = who.person()
    if person.is_at_least("operator") or (person.is_at_least("member") and config.settings().sweeps_limit):
        sweep_form.draw()

    def mine() -> list[Sweep]:
        return [sweep for sweep in state.listed() if state.may_stop(sweep, person)]

    live = any(sweep.status == "running" for sweep in mine())

    @fragment(POLL_SECONDS if live else None)
    def listed() -> None:
        for sweep in mine():
            with errors.shown():
                _one(sweep, person)

    listed()


def _one(sweep: Sweep, person: Person) -> None:
    progress = sweep.progress
    with st.container(border=True, key=f"sweep-{sweep.id}", gap="xsmall"):
        st.markdown(f"{errors.code(sweep.id)} {errors.escape(sweep.request.title)}")
        left = f" · about {words.duration(progress.left)} left" if progress.left and sweep.status == "running" else ""
        told = f"{TOLD[sweep.status]} · {progress.done} of {progress.parts} parts{left}"
        st.progress(progress.done / progress.parts if progress.parts else 0.0, text=told)
        if progress.message and sweep.status != "done":
            st.caption(errors.told(progress.message))
        if len(sweep.wishes) > 1:
            st.caption(_shared(sweep, person))
        for reason in dict.fromkeys(progress.failed.values()):
            st.warning(errors.told(reason), icon=":material/warning:")
        with st.container(horizontal=True, vertical_alignment="center"):
            _buttons(sweep, person)
        _taking(sweep)


def _shared(sweep: Sweep, person: Person) -> str:
    """Of a sweep that several asked for: what stops it."""
    mine = STOPPED[sweep.wanted_by(person)] if person.id in sweep.wishes else ""
    all_of_them = " Stopped by you, an operator, it stops for all." if person.is_at_least("operator") else ""
    return f"{len(sweep.wishes)} people asked for this. It goes on until none of them wants it.{mine}{all_of_them}"


def _buttons(sweep: Sweep, person: Person) -> None:
    on = sweep.status == "running" and sweep.wanted_by(person) == "on"
    if on:
        st.button("Pause", icon=":material/pause:", key=f"pause-{sweep.id}", on_click=_stop, args=(sweep.id, "paused"))
        st.button(
            "Cancel", icon=":material/stop:", key=f"stop-{sweep.id}", on_click=_stop, args=(sweep.id, "cancelled")
        )
    elif sweep.status != "done" or sweep.progress.failed:
        st.button("Go on", icon=":material/play_arrow:", key=f"resume-{sweep.id}", on_click=_go_on, args=(sweep.id,))
    if not on:
        st.button("Forget", icon=":material/delete:", key=f"forget-{sweep.id}", on_click=_forget, args=(sweep.id,))
    if sweep.progress.first:
        asked = {name: sweep.request.given[name] for name in ("recipe", "seed", "data") if name in sweep.request.given}
        named = {name: value for name, value in asked.items() if isinstance(value, str | int)}
        view = View.model_validate({"a": sweep.progress.first, **named})
        st.page_link(SCRIPTS["visualize"], label="See its first units", query_params=query.write(view))
    if sweep.progress.done:
        st.button("Export", icon=":material/folder_zip:", key=f"export-{sweep.id}", on_click=_look, args=(sweep.id,))


def _look(id: str) -> None:
    """Count what there is of a sweep now, for whoever wants to take it along."""
    from engine.sharing import holding
    from engine.sweeps import state
    from engine.sweeps.plan import plan

    with errors.shown():
        found = plan(state.find(id).request)
        size = sum(holding.sizes(found.there).values())
        st.session_state[f"sweep-there-{id}"] = (len(found.there), len(found.parts), size)


def _taking(sweep: Sweep) -> None:
    """What was counted, and the file, which is made when it is wanted."""
    counted: tuple[int, int, int] | None = st.session_state.get(f"sweep-there-{sweep.id}")
    if counted is None:
        return
    there, parts, size = counted
    missing = f" Missing: {parts - there}." if there < parts else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"There: {there} of {parts} parts, {words.size(size)}.{missing}", width="content")
        if size > LARGEST_FILE:
            command = f"{COMMAND} sweep --export {sweep.id} --out sweep-{sweep.id}.zip"
            st.caption(f"This is too large for a browser. On the server: {errors.code(command)}")
        elif there:
            st.download_button(
                "ZIP",
                partial(archive, sweep.id),
                f"sweep-{sweep.id}.zip",
                "application/zip",
                icon=":material/download:",
                key=f"zip-{sweep.id}",
                on_click="ignore",
            )


def archive(id: str) -> bytes:
    """What is there of a sweep, as a ZIP file (see `engine.sweeps.export`). Raises VitrineError where it cannot be written."""
    from engine.sweeps import export, state
    from engine.sweeps.plan import plan

    request = state.find(id).request
    with _ONE_AT_A_TIME, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sweep.zip"
        export.write(request, plan(request), path)
        return path.read_bytes()


def _forget(id: str) -> None:
    from engine.sweeps import state

    with errors.shown():
        state.forget(state.find(id), who.person())


def _stop(id: str, wanted: Literal["paused", "cancelled"]) -> None:
    from engine.sweeps import state

    with errors.shown():
        state.stop(state.find(id), who.person(), wanted)


def _go_on(id: str) -> None:
    from engine.jobs.scheduler import jobs
    from engine.sweeps import running, state

    with errors.shown():
        found, person = state.find(id), who.person()
        running.refuse_too_many(found.id, person)
        state.go_on(found, person)
        running.start(found, jobs(), person)
