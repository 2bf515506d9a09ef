"""Taking results along and keeping them: the link to what is shown, everything in one ZIP, and a pin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit

import streamlit as st

from engine.core.config import settings
from engine.core.errors import VitrineError
from pages.common import errors, query, results

PICTURES = "The pictures as PNG, the numbers as CSV, and the requests that reproduce them as JSON."
NUMBERS = "The numbers as CSV, the arrays as NumPy files, and the requests that reproduce them as JSON."
PIN = "Pinned results are never removed to make space for newer ones."


def link_and_zip(params: Mapping[str, str], keys: Sequence[str], prefix: str, name: str, holds: str = NUMBERS) -> None:
    """The link with these query parameters, a ZIP of those of these results that are there, and a switch that pins them.

    `prefix` begins the buttons' keys, `name` the file's name, and `holds` says what is in it.
    """
    there = [key for key in keys if results.find(key) is not None]
    with st.popover("Copy link", icon=":material/link:"):
        st.caption("Opens this view from anywhere this server can be reached. Cached results appear immediately.")
        st.code(address(params), language=None, wrap_lines=True)
    if not there:
        return

    def data() -> bytes:
        from engine.core.export import to_zip

        return to_zip(*(result for key in there if (result := results.find(key)) is not None))

    st.download_button(
        "Download ZIP",
        data,
        file_name=f"{name}-{there[0][:8]}-{len(there)}.zip",
        mime="application/zip",
        icon=":material/folder_zip:",
        key=f"{prefix}_zip",
        on_click="ignore",
        help=holds,
    )
    if not settings().demo:  # whoever passes by a public server shall not fill its disk for good
        _pin(there, f"{prefix}_pin")


def _pin(keys: Sequence[str], name: str) -> None:
    """A switch that is on while all of these results are pinned, wherever they were. `name` is its key in the session."""
    from engine.jobs import pins

    def turn() -> None:
        try:
            missing = len(keys) - len(pins.pin(keys, st.session_state[name]))
            if missing:
                st.session_state[f"{name}_failed"] = (
                    f"{missing} of these results are not in the cache, so they cannot be pinned."
                )
        except VitrineError as error:
            st.session_state[f"{name}_failed"] = str(error)

    # What the store says counts: another tab or the command line may have changed it.
    st.session_state[name] = pins.pinned(keys) >= set(keys)
    st.toggle("Pin", key=name, on_change=turn, help=PIN)
    if failed := st.session_state.pop(f"{name}_failed", None):
        st.toast(errors.escape(failed), icon=":material/error:")


def address(params: Mapping[str, str]) -> str:
    """The absolute link with these query parameters to the page that is open."""
    here = urlsplit(st.context.url or "")
    return urlunsplit((here.scheme, here.netloc, here.path, "", "")) + query.text(params)
