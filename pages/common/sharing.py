"""Taking results along and keeping them: the link to what is shown, everything in one ZIP, a collection, and a pin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import streamlit as st

from engine.core.config import settings
from engine.core.errors import VitrineError
from engine.people.person import Person
from engine.sharing.items import Item
from pages.common import errors, query, results, who
from pages.common.keeping import adding, kinds, short

PICTURES = "The pictures as PNG, the numbers as CSV, and the requests that reproduce them as JSON."
NUMBERS = "The numbers as CSV, the arrays as NumPy files, and the requests that reproduce them as JSON."
PIN = "Pinned results are never removed to make space for newer ones."


def link_and_zip(
    params: Mapping[str, str],
    keys: Sequence[str],
    prefix: str,
    name: str,
    holds: str = NUMBERS,
    keeps: Callable[[], Item] | None = None,
) -> None:
    """The link with these query parameters, in one click; a ZIP of those of these results that are there; what adds all of it
    to a collection; and, behind three dots, the long link and a switch that pins the results.

    `prefix` begins the buttons' keys, `name` the file's name, `holds` says what is in it, and `keeps` makes what is
    kept, where that is more than a view of this name.
    """
    there = [key for key in keys if results.find(key) is not None]
    short.copy(params, f"{prefix}_copy")
    if there:
        _zip(there, prefix, name, holds)

    adding.button(keeps or partial(kinds.view, name, params, keys), prefix)
    with st.popover(
        "", icon=":material/more_horiz:", type="tertiary", help="The long link, and a pin.", key=f"{prefix}_more"
    ):
        st.caption("The whole link. It says all by itself, and works on any server that has the same models.")
        st.code(address(params), language=None, wrap_lines=True)
        # Whoever passes by a public server shall not fill its disk for good.
        if there and not settings().demo and (asks := who.here()) is not None:
            _pin(there, f"{prefix}_pin", asks)


def _zip(there: Sequence[str], prefix: str, name: str, holds: str) -> None:
    def data() -> bytes:
        from engine.core.export import to_zip

        return to_zip(*(result for key in there if (result := results.find(key)) is not None))

    st.download_button(
        "ZIP",
        data,
        file_name=f"{name}-{there[0][:8]}-{len(there)}.zip",
        mime="application/zip",
        icon=":material/folder_zip:",
        key=f"{prefix}_zip",
        on_click="ignore",
        help=f"Download: {holds[0].lower()}{holds[1:]}",
    )


def _pin(keys: Sequence[str], name: str, person: Person) -> None:
    """A switch, for who may pin, that is on while all of these results are pinned, wherever they were. `name` is its key in the
    session."""
    from engine.jobs import pins

    if not pins.may_pin(person):
        return

    def turn() -> None:
        try:
            missing = len(keys) - len(pins.pin(keys, st.session_state[name], who.person()))
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
        st.toast(errors.told(failed), icon=":material/error:")


def address(params: Mapping[str, str]) -> str:
    """The absolute link with these query parameters to the page that is open."""
    here = urlsplit(st.context.url or "")
    return urlunsplit((here.scheme, here.netloc, here.path, "", "")) + (query.text(params) if params else "")
