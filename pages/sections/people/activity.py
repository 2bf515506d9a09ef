"""For operators: what runs and waits and for whom, with a way to stop it, and what people did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import streamlit as st

from engine.core import config
from engine.people import audit
from pages.common import errors, who, words

SHOWN = 500
COLUMNS = {
    "time": "When",
    "name": "Who",
    "role": "Role",
    "did": "What",
    "experiment": "Experiment",
    "outcome": "Outcome",
    "seconds": "Seconds",
    "reason": "Why",
    "key": "Key",
    "person": "Id",
}


def running() -> None:
    """The jobs that run and wait, each with who wants it and a button that stops it for everybody."""
    from engine.jobs.scheduler import jobs

    st.header("Jobs", anchor=False)
    listed = jobs().active()
    if not listed:
        st.caption("Nothing runs and nothing waits.")
    for job in listed:
        snapshot = jobs().snapshot(job)
        with st.container(horizontal=True, vertical_alignment="center", key=f"job-{job.id}"):
            names = ", ".join(name or "a visitor" for name in jobs().wanted_by(job))
            since = f", for {words.duration(_seconds(snapshot.started))}" if snapshot.started else ""
            told = f"{snapshot.status}{since} · {job.request.experiment} · {names}"
            st.caption(errors.escape(told), width="content")
            st.button("Stop", icon=":material/stop_circle:", key=f"stop-{job.id}", on_click=_stop, args=(job.id,))


def _seconds(started: float) -> float:
    return max(datetime.now().timestamp() - started, 0.0)


def _stop(job: str) -> None:
    from engine.jobs.scheduler import jobs

    jobs().stop(job, who.person())


def history() -> None:
    """What was noted down, newest first, and a way to find some of it."""
    st.header("What people did", anchor=False)
    if not config.settings().access.audits:
        errors.hint("Nothing is noted down. Write `audit = true` under `[access]` in vitrine.toml.", "edit_off")
        return
    wanted = st.text_input("Find", key="activity_find", placeholder="a name, an experiment, an outcome, a key")
    lines = [line for line in audit.lines(20 * SHOWN) if _fits(line, wanted)][:SHOWN]
    if not lines:
        st.caption("Nothing yet." if not wanted else "Nothing of that.")
        return
    table = pd.DataFrame(lines).reindex(columns=[*COLUMNS]).rename(columns=COLUMNS)
    table["When"] = pd.to_datetime(table["When"], utc=True, errors="coerce")
    table["Who"] = table["Who"].replace("", "a visitor")
    for column in COLUMNS.values():
        if column not in ("When", "Seconds"):
            table[column] = table[column].astype(object).fillna("")
    st.dataframe(table, hide_index=True, alt="What people did: when, who, what, and what came of it")
    st.caption(f"The newest {len(lines)}. All of it stands as JSON lines in the folder `audit` of the cache folder.")


def _fits(line: dict[str, Any], wanted: str) -> bool:
    text = " ".join(str(value) for value in line.values()).casefold()
    return all(word in text for word in wanted.casefold().split())
