"""Boxes and masks of images that EXIF turns: drawn before or after it was turned, where that can be told.

Invariant: what cannot be told is refused, image by image; nothing is put where it may not belong.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.core.errors import RefusedFile

Box = tuple[int, int, int, int]
AS_STORED = 1
_SIDEWAYS = (5, 6, 7, 8)
_UNKNOWN = (
    "its EXIF turns it, and nothing tells whether its {} drawn before or after. Save it as it should be seen, without "
    "EXIF's orientation."
)


def is_turned(orientation: int) -> bool:
    """Whether EXIF says that the image is seen otherwise than it is stored."""
    return AS_STORED < orientation <= 8


def upright_size(orientation: int, stored: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of the image as it is seen."""
    return (stored[1], stored[0]) if orientation in _SIDEWAYS else stored


def upright_boxes(
    boxes: Sequence[Box], orientation: int, stored: tuple[int, int], drawn_on: tuple[int, int] | None
) -> list[Box]:
    """Boxes on the image as it is seen. `stored`: (width, height) in the file; `drawn_on`: the size noted down with them.

    Raises RefusedFile where it cannot be told which they were drawn on.
    """
    if not is_turned(orientation) or _told(orientation, stored, drawn_on, "boxes were"):
        return [*boxes]
    return [_turned(box, orientation, *stored) for box in boxes]


def upright_mask(mask: np.ndarray, orientation: int, stored: tuple[int, int]) -> np.ndarray:
    """A mask (height, width) of the image as it is seen. Raises RefusedFile where it cannot be told."""
    size = (mask.shape[1], mask.shape[0])
    if not is_turned(orientation) or _told(orientation, stored, size, "mask was"):
        return mask
    return _turn(mask, orientation)


def _told(orientation: int, stored: tuple[int, int], drawn_on: tuple[int, int] | None, what: str) -> bool:
    """Whether it was drawn on the image as it is seen, and not as it is stored."""
    upright = upright_size(orientation, stored)
    if upright == stored or drawn_on not in (upright, stored):
        raise RefusedFile(_UNKNOWN.format(what))
    return drawn_on == upright


def _turn(array: np.ndarray, orientation: int) -> np.ndarray:
    turned = array.T if orientation in _SIDEWAYS else array
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    return turned[:, ::-1] if orientation in (2, 3, 6, 7) else turned


def _turned(box: Box, orientation: int, width: int, height: int) -> Box:
    left, top, right, bottom = box
    if orientation in _SIDEWAYS:
        left, top, right, bottom, width, height = top, left, bottom, right, height, width
    if orientation in (3, 4, 7, 8):
        top, bottom = height - bottom, height - top
    if orientation in (2, 3, 6, 7):
        left, right = width - right, width - left
    return left, top, right, bottom
