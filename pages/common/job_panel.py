"""A batch of jobs on screen while it runs: how far, how long, what it looks like so far, and a way to stop it.

Invariant: the page polls only while something is active; each job that ends redraws the page once, with its result.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean

import streamlit as st

from engine.core.images import inline
from engine.jobs.progress import Snapshot
from pages.common import errors
from pages.common.batch import Batch
from pages.common.fragments import fragment
from pages.common.words import duration

POLL_SECONDS = 0.7
GOES_ON = "You cancelled this. It goes on: another person wants it too."
WANTED = "Another person wants this too: it goes on if you cancel."


def draw(batch: Batch, names: Mapping[str, str], place: str) -> None:
    """The part of a batch that stands in `names` (key to title), as a panel that looks after itself.

    `place` tells panels on one page apart. Draws nothing for jobs that are done; their results speak for them.
    """
    from engine.jobs.scheduler import jobs

    with errors.shown():
        batch.advance(jobs())
    before = batch.snapshots(jobs())
    _say_what_ended({key: before[key] for key in names if key in before}, names)
    open_keys = [key for key in names if (batch.goes_on(before[key]) if key in before else key in batch.waiting())]
    if not open_keys:
        return

    @fragment(POLL_SECONDS)
    def live() -> None:
        with errors.shown():
            batch.advance(jobs())
        now = batch.snapshots(jobs())
        if any(key in now and not batch.goes_on(now[key]) for key in open_keys):
            st.rerun()
        with st.container(border=True, key=f"panel-{place}"):
            _draw_active({key: now.get(key) for key in open_keys}, names, batch, now)
            if batch.stopped:
                st.caption(GOES_ON if batch.shared else "Cancelling")
                return
            with st.container(horizontal=True):
                if st.button(cancel_label(len(batch.requests)), icon=":material/stop_circle:", key=f"cancel-{place}"):
                    batch.cancel(jobs())
                    st.rerun()
                log(now.values(), f"log-{place}")
            if said := before_cancelling(list(now.values())):
                st.caption(said)

    live()


def cancel_label(parts: int) -> str:
    """One button stops all that was asked for together."""
    return "Cancel" if parts == 1 else f"Cancel all {parts} parts"


def before_cancelling(snapshots: Sequence[Snapshot]) -> str:
    """What would stay, and what would go on, if a person cancelled now; empty where there is nothing of the kind."""
    running = [snapshot for snapshot in snapshots if snapshot.active]
    kept = sum(snapshot.kept for snapshot in running)
    finished = f"{pictures(kept)} finished so far: kept if you cancel." if kept else ""
    return " ".join(filter(None, (finished, WANTED if any(each.persons > 1 for each in running) else "")))


def pictures(count: int) -> str:
    """A number of pictures, in words."""
    return "1 picture" if count == 1 else f"{count} pictures"


def parts_done(snapshots: Iterable[Snapshot], parts: int) -> str:
    """How much of a batch is there, and what was stopped or failed, which is not done."""
    ended = Counter(snapshot.status for snapshot in snapshots)
    rest = [f"{ended[status]} {status}" for status in ("cancelled", "failed") if ended[status]]
    return ", ".join([f"{ended['done']} of {parts} parts done", *rest])


def time_left(snapshots: Mapping[str, Snapshot], kinds: Mapping[str, str]) -> float | None:
    """Seconds until all parts are there, each as long as those of its kind took; None while a kind has none that was computed.

    `kinds`: the experiment of each part, by key, also of those that nobody has started."""
    took: dict[str, list[float]] = {}
    for key, each in snapshots.items():
        if each.status == "done" and each.started and each.finished:
            took.setdefault(kinds[key], []).append(each.finished - each.started)
    rest, running = 0.0, 0
    for key, kind in kinds.items():
        now = snapshots.get(key, Snapshot("queued"))
        if not now.active:
            continue
        if kind not in took:
            return None
        elapsed = time.time() - now.started if now.started and now.status == "running" else 0.0
        running += now.status == "running"
        rest += max(0.0, mean(took[kind]) - elapsed)
    return rest / max(1, running)


def _draw_active(
    snapshots: Mapping[str, Snapshot | None], names: Mapping[str, str], batch: Batch, now: Mapping[str, Snapshot]
) -> None:
    """The first job that is on, in full, and how many are behind it."""
    on = {key: snapshot for key, snapshot in snapshots.items() if snapshot is not None}
    running = [key for key, snapshot in on.items() if snapshot.status == "running"]
    key = next(iter([*running, *on, *snapshots]))
    first = snapshots[key]
    if len(batch.requests) > 1:
        st.markdown(names[key])
        left = time_left(now, {key: request.experiment for key, request in batch.requests.items()})
        more = "" if left is None else f" · about {duration(left)} left for all"
        st.caption(f"{parts_done(now.values(), len(batch.requests))}{more}")
    if first is None or first.status == "queued":
        st.progress(0.0, text=waiting_text(first))
        return
    st.progress(first.fraction, text=running_text(first))
    if first.preview:
        # Sent inside the page: a slow browser would ask for a file when the next preview has already replaced it.
        st.image(inline(first.preview), alt="The pictures during optimization")


def waiting_text(snapshot: Snapshot | None) -> str:
    """A job that does not run yet, in words."""
    if snapshot is not None and snapshot.position:
        return f"Queued: number {snapshot.position} of {snapshot.waiting} in the queue"
    return "Queued"


def running_text(snapshot: Snapshot) -> str:
    """A running job in words: what it does, and how long that will take; what comes after it has another pace."""
    message = errors.told(snapshot.message) or "Starting"
    return message if snapshot.eta is None else f"{message} · about {duration(snapshot.eta)} left of this step"


def log(snapshots: Iterable[Snapshot], key: str) -> None:
    """What the job that runs has done so far, behind a button; nothing before its second kind of work."""
    stages = next((each.stages for each in snapshots if each.status == "running"), ())
    if len(stages) > 1:
        with st.popover("Log", icon=":material/list:", type="tertiary", key=key):
            st.markdown(log_text(stages))


def log_text(stages: Sequence[tuple[float, str]]) -> str:
    """A line for each kind of work: minutes and seconds after it began, and what it was."""
    return "  \n".join(f"{int(after) // 60}:{int(after) % 60:02d} {errors.told(told)}" for after, told in stages)


def cancelled_text(kept: int, goes_on: str = " **Run** makes the rest.") -> str:
    """That a job was cancelled, what of it stays, and how it `goes_on`."""
    if not kept:
        return "Cancelled before it was finished."
    return f"Cancelled; {pictures(kept)} kept.{goes_on}"


def cancelled_texts(parts: int, kept: int) -> str:
    """The same of several parts."""
    stays = f"; {pictures(kept)} kept" if kept else ""
    return f"{parts} parts were cancelled before they were finished{stays}. **Run** makes the rest."


def _say_what_ended(snapshots: Mapping[str, Snapshot], names: Mapping[str, str]) -> None:
    cancelled = [key for key, snapshot in snapshots.items() if snapshot.status == "cancelled"]
    if len(cancelled) > 1:
        errors.hint(cancelled_texts(len(cancelled), sum(snapshots[key].kept for key in cancelled)), "stop_circle")
    for key, snapshot in snapshots.items():
        if snapshot.status == "failed":
            st.error(f"{names[key]}  \n{errors.told(snapshot.error or 'It failed.')}", icon=":material/error:")
            if snapshot.stages:
                st.caption(f"Before that:  \n{log_text(snapshot.stages)}")
        elif cancelled == [key]:
            errors.hint(f"{names[key]} {cancelled_text(snapshot.kept)}", "stop_circle")
        if snapshot.warning:
            st.warning(errors.told(snapshot.warning), icon=":material/warning:")
