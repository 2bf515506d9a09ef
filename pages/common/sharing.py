"""Taking results along: the link to what is shown, and everything in one ZIP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit

import streamlit as st

from pages.common import query, results

PICTURES = "The pictures as PNG, the numbers as CSV, and the requests that make them again as JSON."
NUMBERS = "The numbers as CSV, the arrays as NumPy files, and the requests that make them again as JSON."


def link_and_zip(params: Mapping[str, str], keys: Sequence[str], prefix: str, name: str, holds: str = NUMBERS) -> None:
    """Buttons for the link with these query parameters, and for a ZIP of those of these results that are there.

    `prefix` begins the buttons' keys, `name` the file's name, and `holds` says what is in it.
    """
    there = [key for key in keys if results.find(key) is not None]
    with st.popover("Copy link", icon=":material/link:"):
        st.caption("Opens this view anywhere this server can be reached. What is computed already shows at once.")
        st.code(address(params), language=None, wrap_lines=True)
    if not there:
        return

    def data() -> bytes:
        from engine.core.export import to_zip

        return to_zip(*(found for key in there if (found := results.find(key)) is not None))

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


def address(params: Mapping[str, str]) -> str:
    """The absolute link with these query parameters to the page that is open."""
    here = urlsplit(st.context.url or "")
    return urlunsplit((here.scheme, here.netloc, here.path, "", "")) + query.text(params)
