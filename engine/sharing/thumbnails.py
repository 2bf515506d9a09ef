"""A small picture that stands for a result: its first picture, as WebP; none for what is only numbers."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from engine.core.request import Result

SIDE = 112
_FIRST = ("images", "pictures", "opposite_images")


def of_result(result: Result) -> bytes | None:
    """The first picture of a result, at most SIDE pixels wide and high."""
    return of_arrays(result.arrays)


def of_arrays(arrays: Mapping[str, np.ndarray], which: str = "", index: int = 0) -> bytes | None:
    """One picture of these arrays: of this stack, or of the first that is one. None where there is none."""
    names = [which] if which else [*_FIRST, *arrays]
    stack = next((arrays[name] for name in names if name in arrays and is_pictures(arrays[name])), None)
    if stack is None or index >= len(stack):
        return None
    return small(stack[index])


def is_pictures(array: np.ndarray) -> bool:
    """Whether an array is a stack of pictures: uint8 (n, height, width, 3)."""
    return array.dtype == np.uint8 and array.ndim == 4 and array.shape[-1] == 3 and array.size > 0


def small(picture: np.ndarray) -> bytes:
    """A picture, uint8 (height, width, 3), as WebP at most SIDE pixels wide and high."""
    image = Image.fromarray(picture)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=88)
    return buffer.getvalue()
