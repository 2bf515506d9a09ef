"""A picture that is not there yet: its place, which has its size from the beginning, and what it looks like so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.common import colours

if TYPE_CHECKING:
    from engine.core.request import Made


@dataclass(frozen=True)
class Growing:
    """What is said of a picture that is not there yet, and what it looks like so far."""

    text: str
    made: Made | None = None


def draw(growing: Growing | None, size: tuple[int, int], key: str, alt: str, caption: str | None = None) -> None:
    """A picture as far as it is, for an input of this size (height, width). Sent inside the page: a file would be replaced
    while a slow browser asks for it. `key` tells it apart, and begins with `growing-` in the page."""
    from engine.core.images import inline, to_png

    made = growing.made if growing else None
    image = nothing(size) if made is None else to_png(made.picture)
    with st.container(key=f"growing-{key}"):
        st.image(
            inline(image),
            caption=caption,
            width="stretch",
            alt=f"{alt}, {'growing' if made else 'not made yet'}",
        )


def nothing(size: tuple[int, int]) -> bytes:
    """PNG bytes of the place of a picture: as high and as wide, of one quiet colour."""
    return _nothing(*size, colours.of("place"))


@st.cache_resource(max_entries=64, show_spinner=False)
def _nothing(height: int, width: int, colour: str) -> bytes:
    from engine.core.images import to_png

    rgb = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    return to_png(np.full((height, width, 3), rgb, np.uint8))
