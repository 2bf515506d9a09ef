"""Taking results along: the link to this view, and everything in one ZIP."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

import streamlit as st

from pages.common import permalink, results
from pages.common.view import Row, View


def bar(view: View, rows: Sequence[Row]) -> None:
    """Buttons for the link and the ZIP of what is there."""
    there = [row.key for row in rows if results.find(row.key) is not None]
    with st.popover("Copy link", icon=":material/link:"):
        st.caption("Opens this view anywhere this server can be reached. What is computed already shows at once.")
        st.code(address(view), language=None, wrap_lines=True)
    if not there:
        return

    def data() -> bytes:
        from engine.export import to_zip

        return to_zip(*(found for key in there if (found := results.find(key)) is not None))

    st.download_button(
        "Download ZIP",
        data,
        file_name=f"vitrine-{view.a.model.replace('/', '_')}-{there[0][:8]}-{len(there)}.zip",
        mime="application/zip",
        icon=":material/folder_zip:",
        key="fv_zip",
        on_click="ignore",
        help="The pictures as PNG, the numbers as CSV, and the requests that make them again as JSON.",
    )


def address(view: View) -> str:
    """The absolute link to a view."""
    here = urlsplit(st.context.url or "")
    return urlunsplit((here.scheme, here.netloc, here.path, "", "")) + permalink.text(permalink.write(view))
