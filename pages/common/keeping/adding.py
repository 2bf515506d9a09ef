"""Adding what is on a page to a collection, in one click: to the one chosen, or the one that was changed last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st
from pydantic import ValidationError

from engine.core.errors import BadRequest, VitrineError
from engine.sharing import access, collections
from engine.sharing.items import LONGEST_TITLE, MOST_RESULTS, Item, Kind
from pages.common import errors, who
from pages.common.experiments import places

ICON = ":material/bookmark_add:"


def button(make: Callable[[], Item], key: str, label: str = "Keep", small: bool = False) -> None:
    """A button that adds an item to the current collection; none for those who may keep nothing. The item is made when it is
    pressed."""
    asks = who.here()
    if asks is None or not access.may_keep(asks):
        return
    if st.button(
        "" if small else label,
        icon=ICON,
        key=f"{key}-keep",
        type="tertiary" if small else "secondary",
        help="Keep it in your collection.",
    ):
        _keep(make)


def _keep(make: Callable[[], Item]) -> None:
    try:
        into, new = collections.keep(who.person(), make())
    except VitrineError as error:
        st.toast(errors.told(str(error)), icon=":material/error:")
        return
    st.toast(f"{'Kept in' if new else 'Already in'} **{errors.escape(into.title)}**", icon=ICON)


def item(kind: Kind, title: str, params: dict[str, str], **more: Any) -> Item:
    """Something on the open page (or on another `page`), ready to be kept: see Item for what `more` there is. Raises BadRequest
    where it is too large."""
    results = tuple(dict.fromkeys(more.pop("results", ())))[:MOST_RESULTS]
    named: dict[str, Any] = {"page": places.opened(), **more, "results": results}
    try:
        return Item(kind=kind, title=" ".join(title.split())[:LONGEST_TITLE] or "Untitled", params=params, **named)
    except ValidationError:
        raise BadRequest("This view is too large to be kept. Keep a part of it.") from None
