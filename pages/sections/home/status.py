"""The machine in the sidebar: what it computes on, how much memory is left, and what waits."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, serve, words


def panel() -> None:
    """A few quiet lines; more in a popover."""
    with st.container(key="machine", gap="xsmall"):
        if not serve.is_ready():
            st.caption(":material/hourglass_top: Engine is loading")
            return
        with errors.shown():
            from engine.jobs.scheduler import jobs

            device, active = _device(), jobs().active()
            st.caption(f":material/memory: {device['name']}  \n:material/bolt: {_queue(len(active))}")
            with st.popover("Machine", icon=":material/monitor_heart:", type="tertiary"):
                _details(device)


@st.cache_resource(ttl=10, show_spinner=False)
def _device() -> dict:
    from engine.core import devices

    return devices.describe(devices.pick())


def _queue(active: int) -> str:
    if not active:
        return "idle"
    return f"1 job running, {active - 1} waiting" if active > 1 else "1 job running"


def _details(device: dict) -> None:
    from engine import __version__
    from engine.core import config
    from engine.models import catalog

    stored, pool = config.store().stats(), catalog.pool()
    total, free = device["memory_total"], device["memory_free"]
    lines = {
        "Device": f"{device['name']} ({device['kind']})",
        "Precision": f"{device['precision']} (setting: {device['precision_setting']})",
        "Memory free": f"{words.size(free)} of {words.size(total)}" if total and free is not None else "not known",
        "Results stored": f"{stored['entries']}, {words.size(stored['bytes'])} of {words.size(stored['limit_bytes'])}",
        "Models loaded": f"{len(pool.keys())}, {words.size(pool.memory_bytes)}" if pool.keys() else "none",
        "Vitrine": __version__,
    }
    st.markdown("\n".join(["| | |", "|:--|:--|", *(f"| {name} | {value} |" for name, value in lines.items())]))
    for problem in config.store().problems():
        st.warning(errors.escape(problem), icon=":material/warning:")
