"""The machine, in one line at the foot of every page: what it computes on, how much memory is left, and what waits."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.common import errors, serve, words
from pages.common.fragments import fragment


def panel() -> None:
    """A quiet line; more in a popover. While the engine is loading it looks again every other second."""
    fragment(None if serve.is_ready() else 2.0)(_line)()


def _line() -> None:
    with st.container(key="machine", horizontal=True, vertical_alignment="center"):
        if not serve.is_ready():
            st.caption(":material/hourglass_top: Engine is loading", width="content")
            return
        with errors.shown():
            from engine.jobs.scheduler import jobs

            asked = [job for job in jobs().active() if not jobs().snapshot(job).quiet]
            st.caption(f":material/memory: {_device()['name']} · {queue(len(asked), jobs().active())}", width="content")
            with st.popover("Machine", icon=":material/monitor_heart:", type="tertiary"):
                _details(_device())


@st.cache_resource(ttl=10, show_spinner=False)
def _device() -> dict:
    from engine.core import devices

    return devices.describe(devices.pick())


def queue(asked: int, active: Sequence[object]) -> str:
    """How many jobs people asked for run or wait; what the server prepares by itself is no queue."""
    if not asked:
        return "preparing indexes in the background" if active else "idle"
    return f"1 job running, {asked - 1} waiting" if asked > 1 else "1 job running"


def _details(device: dict) -> None:
    from engine.core import config, release
    from engine.models import catalog

    stored, pool = config.store().stats(), catalog.pool()
    total, free = device["memory_total"], device["memory_free"]
    lines = {
        "Device": f"{device['name']} ({device['kind']})",
        "Precision": f"{device['precision']} (setting: {device['precision_setting']})",
        "Memory free": f"{words.size(free)} of {words.size(total)}" if total and free is not None else "not known",
        "Results stored": f"{stored['entries']}, {words.size(stored['bytes'])} of {words.size(stored['limit_bytes'])}",
        "Models loaded": f"{len(pool.keys())}, {words.size(pool.memory_bytes)}" if pool.keys() else "none",
        "Vitrine": " · ".join(filter(None, (release.VERSION, release.commit()))),
        "Running for": release.uptime(),
    }
    st.markdown("\n".join(["| | |", "|:--|:--|", *(f"| {name} | {value} |" for name, value in lines.items())]))
    for problem in config.store().problems():
        st.warning(errors.told(problem), icon=":material/warning:")
