"""A batch of jobs on screen while it runs: how far, how long, what it looks like so far, and a way to stop it.

Invariant: the page polls only while something is active; each job that ends redraws the page once, with its result.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from pages.common import errors
from pages.common.batch import Batch
from pages.common.words import duration

if TYPE_CHECKING:
    from engine.jobs.progress import Snapshot

POLL_SECONDS = 0.7
GOES_ON = "You cancelled this. It goes on because somebody else asked for the same."


def draw(batch: Batch, names: Mapping[str, str], place: str) -> None:
    """The part of a batch that stands in `names` (key to title), as a panel that looks after itself.

    `place` tells panels on one page apart. Draws nothing for jobs that are done; their results speak for them.
    """
    from engine.jobs.scheduler import jobs

    with errors.shown():
        batch.advance(jobs())
    before = batch.snapshots(jobs())
    _say_what_ended({key: before[key] for key in names if key in before}, names)
    open_keys = [key for key in names if (before[key].active if key in before else key in batch.waiting())]
    if not open_keys:
        return

    @st.fragment(run_every=POLL_SECONDS)
    def live() -> None:
        with errors.shown():
            batch.advance(jobs())
        now = batch.snapshots(jobs())
        if any(key in now and not now[key].active for key in open_keys):
            st.rerun()
        with st.container(border=True, key=f"panel-{place}"):
            _draw_active({key: now.get(key) for key in open_keys}, names, batch.patient)
            # A patient batch belongs to everybody and gives way by itself.
            if batch.stopped:
                st.caption(GOES_ON if batch.shared else "Cancelling")
            elif not batch.patient and st.button("Cancel", icon=":material/stop_circle:", key=f"cancel-{place}"):
                batch.cancel(jobs())
                st.rerun()

    live()


def _draw_active(snapshots: Mapping[str, Snapshot | None], names: Mapping[str, str], patient: bool) -> None:
    """The first job that is on, in full, and how many are behind it."""
    on = {key: snapshot for key, snapshot in snapshots.items() if snapshot is not None}
    running = [key for key, snapshot in on.items() if snapshot.status == "running"]
    key = next(iter([*running, *on, *snapshots]))
    first = snapshots[key]
    if len(names) > 1:
        st.markdown(names[key])
        st.caption(f"{len(names) - len(snapshots)} of {len(names)} parts done")
    if first is None or first.status == "queued":
        st.progress(0.0, text=waiting_text(first, patient))
        return
    st.progress(first.fraction, text=running_text(first))
    if first.preview:
        # Sent inside the page: a slow browser would ask for a file when the next preview has already replaced it.
        inline = f"data:image/png;base64,{base64.b64encode(first.preview).decode()}"
        st.image(inline, alt="The pictures during optimization")


def waiting_text(snapshot: Snapshot | None, patient: bool = False) -> str:
    """A job that does not run yet, in words."""
    if snapshot is not None and snapshot.position:
        return f"Queued: number {snapshot.position} of {snapshot.waiting} in the queue"
    return "Waiting until the machine is idle" if patient else "Queued"


def running_text(snapshot: Snapshot) -> str:
    """A running job in words: what it does, and how long it will take."""
    message = errors.escape(snapshot.message) or "Starting"
    return message if snapshot.eta is None else f"{message} · about {duration(snapshot.eta)} left"


def _say_what_ended(snapshots: Mapping[str, Snapshot], names: Mapping[str, str]) -> None:
    for key, snapshot in snapshots.items():
        if snapshot.status == "failed":
            st.error(f"{names[key]}  \n{errors.escape(snapshot.error or 'It failed.')}", icon=":material/error:")
        elif snapshot.status == "cancelled":
            errors.hint(f"{names[key]} Cancelled before it was finished.", "stop_circle")
        if snapshot.warning:
            st.warning(errors.escape(snapshot.warning), icon=":material/warning:")
