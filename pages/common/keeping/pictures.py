"""What stands for an item of a collection or a line of the history: its picture, or else an icon of its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from engine.core.errors import VitrineError
from engine.core.experiments import experiments
from pages.common import errors, overlay, results, style
from pages.common.experiments import places

if TYPE_CHECKING:
    from engine.sharing.history import Line
    from engine.sharing.items import Item

SIDE = 224
PICTURED = ("visualize", "picture", "picture-words")
"""Experiments whose results have pictures. Those of others are large, and are not read to find none."""
ICONS = {"unit": "blur_on", "image": "image", "result": "table_chart", "view": "bookmark"}


def of_item(item: Item) -> bytes | None:
    """PNG bytes of an item's picture; None where it has none, or it is not stored."""
    try:
        if item.picture is not None:
            return _picture(item.picture.key, item.picture.array, item.picture.index)
        if item.data and item.image.isdecimal():
            return _image(item.data, int(item.image))
    except (VitrineError, _Absent, IndexError, KeyError, ValueError):
        return None
    return None


class _Absent(Exception):
    """Raised so that what is absent is not remembered."""


def of_line(line: Line) -> bytes | None:
    """PNG bytes of the small picture of a line of the history; None where it has none."""
    if line.picture:
        return _decoded(line.picture)
    if line.person or line.experiment not in PICTURED:
        return None
    try:  # what was not made by a job here has no picture in the history; its result may have one
        return _picture(line.key, "images", 0)
    except (_Absent, IndexError):
        return None


@st.cache_resource(max_entries=results.MOST_PICTURES, show_spinner=False)
def _decoded(picture: bytes) -> bytes:
    from io import BytesIO

    from PIL import Image

    from engine.core.images import to_png

    return to_png(np.asarray(Image.open(BytesIO(picture), formats=("WEBP",)).convert("RGB")))


@st.cache_resource(max_entries=results.MOST_PICTURES, show_spinner=False)
def _picture(key: str, array: str, index: int) -> bytes:
    from engine.core.images import to_png
    from engine.sharing.thumbnails import is_pictures

    result = results.find(key)
    stack = None if result is None else result.arrays.get(array)
    if stack is None or not is_pictures(stack):
        raise _Absent
    return to_png(overlay.enlarged(stack[index], SIDE))


@st.cache_resource(max_entries=256, show_spinner=False)
def _image(data: str, number: int) -> bytes:
    from PIL import Image

    from engine.core.images import to_png

    image = Image.fromarray(results.dataset(data).image(number))
    image.thumbnail((SIDE, SIDE))
    return to_png(np.asarray(image))


@st.cache_resource(max_entries=1, show_spinner=False)
def nothing() -> bytes:
    """PNG bytes of a clear square."""
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.new("LA", (4, 4), (0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def looks_of(kind: str, page: str) -> tuple[str, str]:
    """What stands for an item without a picture, in words and as an icon: the page that shows it where it is of one, else its
    kind."""
    of_page = places.looks(page) if kind in ("result", "view") else None
    return of_page or (kind, ICONS.get(kind, "science"))


def looks_of_line(line: Line) -> tuple[str, str]:
    """The same for a line of the history: the page that shows its experiment."""
    entry = experiments().get(line.experiment)
    return ("Result", ICONS["result"]) if entry is None else places.LOOKS[entry.page]


def placeholder(looks: tuple[str, str], key: str, height: int = 120) -> None:
    """A quiet square with an icon, and its words for whoever has them read out. `key`: no other's."""
    says, icon = looks
    middle: dict[str, Any] = {"horizontal_alignment": "center", "vertical_alignment": "center"}
    with st.container(border=True, height=height, gap=None, **middle):
        st.markdown(f":material/{icon}:", text_alignment="center")
        with st.container(key=f"{style.UNSEEN}-{key}"):
            st.markdown(errors.escape(says))
