"""The pictures of the page as PNG bytes: the photo, where in it a unit is active, and what else excites the unit.

Kept in memory while they are looked at; everything here can be thrown away at any time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from engine.core.errors import Unavailable
from pages.common import overlay, results
from pages.common.units.images import together

SIDE = 192
"""Pixels of a map's picture: twice what it has on most screens."""
PREVIEW = 640
"""Pixels of the longer side of the photo itself."""
EVIDENCE = 4
"""Small pictures of what else excites a unit, two by two."""
TILE = 94
"""Pixels of the side of one of these."""


def preview(image: str, data: str) -> bytes:
    """The photo, upright. Raises VitrineError where it is not here."""
    return _preview(image, data, _mark(image, data))


@st.cache_resource(max_entries=64, show_spinner=False)
def _preview(image: str, data: str, mark: str) -> bytes:
    from engine.core.images import thumbnail, to_png
    from engine.data.uploads import image_of

    pixels = image_of(image, data)
    return to_png(
        pixels if max(pixels.shape[:2]) <= PREVIEW and min(pixels.shape[:2]) >= 256 else thumbnail(pixels, PREVIEW)
    )


def where(key: str, layer: int, unit: int, image: str, data: str) -> bytes:
    """The photo, cut as the model saw it, dimmed where a unit is not active."""
    return _where(key, layer, unit, image, data, _mark(image, data))


@st.cache_resource(max_entries=results.MOST_PICTURES, show_spinner=False)
def _where(key: str, layer: int, unit: int, image: str, data: str, mark: str) -> bytes:
    from engine.core.images import to_png

    result = results.find(key)
    assert result is not None, "drawn for results that are there"
    map_ = result.arrays[f"maps_{layer}"][unit].astype(np.float32)
    height, width = result.facts["input"]
    cut = _cut(image, data, mark, height / width)
    return to_png(overlay.spotlight(cut, map_, float(np.median(map_)), float(map_.max())))


@st.cache_resource(max_entries=16, show_spinner=False)
def _cut(image: str, data: str, mark: str, tall: float) -> np.ndarray:
    """The photo cut as to a model's input, `tall` times as high as it is wide, with as many pixels as are shown."""
    from engine.core.images import to_input
    from engine.data.uploads import image_of

    return to_input(image_of(image, data), (round(SIDE * tall), SIDE))


def evidence(
    picture: str | None, index: str, unit: int, ranks: Sequence[int], data: str, size: tuple[int, int]
) -> bytes:
    """Two by two: the picture that was made for a unit where there is one, and its strongest images."""
    return _evidence(picture, index, unit, tuple(ranks), data, results.dataset(data).fingerprint if ranks else "", size)


@st.cache_resource(max_entries=results.MOST_PICTURES, show_spinner=False)
def _evidence(
    picture: str | None, index: str, unit: int, ranks: tuple[int, ...], data: str, mark: str, size: tuple[int, int]
) -> bytes:
    from engine.core.images import to_png

    tiles = others(picture, (index, data), unit, ranks, size)
    # There is none where the picture was let go since it was seen.
    return to_png(together(tiles, 2) if tiles else np.zeros((TILE, TILE, 4), np.uint8))


def others(
    picture: str | None, index: tuple[str, str] | None, unit: int, ranks: Sequence[int], size: tuple[int, int]
) -> list[np.ndarray]:
    """The same one by one. `index`: its key, and the data set that it is of."""
    from engine.core.images import to_input

    tiles = []
    if picture is not None and (made := results.find(picture)) is not None:
        tiles.append(to_input(made.arrays["image"], (TILE, TILE)))
    read = results.find(index[0]) if index and ranks else None
    if index and read:
        mark, shown = results.dataset(index[1]).fingerprint, ranks[: EVIDENCE - len(tiles)]
        tiles += [_tile(index[1], mark, int(read.arrays["top_mean"][unit, rank]), size) for rank in shown]
    return tiles


@st.cache_resource(max_entries=results.MOST_SCENES, show_spinner=False)
def _tile(data: str, mark: str, number: int, size: tuple[int, int]) -> np.ndarray:
    """An image of a data set, cut as a model saw it, small. Many units share their strongest images."""
    from engine.core.images import to_input

    return to_input(to_input(results.dataset(data).image(number), size), (TILE, TILE))


def _mark(image: str, data: str) -> str:
    """What changes when the image does. Raises VitrineError where it is not here."""
    from engine.data.uploads import fingerprint, is_upload

    if is_upload(image):
        return fingerprint(image)
    if int(image) >= len(opened := results.dataset(data)):
        raise Unavailable(f"“{data[:80]}” has images 0 to {len(opened) - 1}; there is no image {image}.")
    return opened.fingerprint
