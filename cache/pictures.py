"""Pictures inside a blob, packed: an array (..., height, width, 3) of uint8 as one lossless WebP a picture.

Invariant: `unpacked(*packed(array))` is the array, to the bit. What claims to be packed but does not fit its own shape raises
ValueError before anything large is decoded.
"""

from __future__ import annotations

import io
import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TypedDict

import numpy as np
from PIL import Image

LONGEST_SIDE = 16_383  # WebP's own limit
SMALLEST_SIDE = 16  # below, a file's header is larger than what it saves
THREADS = min(8, os.cpu_count() or 1)
MOST_BYTES, MOST_AXES = 1 << 30, 8
"""How much one packed array may hold when it is unpacked, and along how many axes."""


class Packing(TypedDict):
    """What is needed to unpack: the array's shape, and where each picture's bytes end."""

    shape: list[int]
    ends: list[int]


def packs(array: np.ndarray) -> bool:
    """Whether an array is pictures: uint8, at least (n, height, width, 3), of sides that WebP can hold."""
    if array.dtype != np.uint8 or not 4 <= array.ndim <= MOST_AXES or array.shape[-1] != 3 or not array.size:
        return False
    sides = array.shape[-3:-1]
    return min(sides) >= SMALLEST_SIDE and max(sides) <= LONGEST_SIDE and array.nbytes <= MOST_BYTES


def packed(array: np.ndarray) -> tuple[np.ndarray, Packing]:
    """The bytes of all pictures (m,) uint8, one after the other, and how to find them again."""
    with ThreadPoolExecutor(THREADS) as threads:
        files = [*threads.map(_encoded, array.reshape(-1, *array.shape[-3:]))]
    ends = np.cumsum([len(file) for file in files]).tolist()
    return np.frombuffer(b"".join(files), np.uint8), {"shape": list(array.shape), "ends": ends}


def unpacked_bytes(packing: Packing) -> int:
    """How many bytes the array has that was packed so. Raises ValueError where its shape is none, or does not fit."""
    shape, ends = packing["shape"], packing["ends"]
    whole = all(isinstance(number, int) and number > 0 for number in [*shape, *ends])
    # So few numbers, and none so large, that their product is known at once.
    if not whole or not 4 <= len(shape) <= MOST_AXES or max(shape) > MOST_BYTES:
        raise ValueError("The shape of packed pictures is not one.")
    if math.prod(shape) > MOST_BYTES or shape[-1] != 3 or len(ends) != math.prod(shape[:-3]):
        raise ValueError("The shape of packed pictures does not fit their number.")
    return math.prod(shape)


def unpacked(data: np.ndarray, packing: Packing) -> np.ndarray:
    """The array that was packed. Raises ValueError where bytes and shape do not fit each other."""
    unpacked_bytes(packing)
    shape, ends = packing["shape"], packing["ends"]
    array = np.empty((len(ends), *shape[-3:]), np.uint8)
    raw, start = data.tobytes(), 0
    for picture, end in zip(array, ends, strict=True):
        picture[:] = _decoded(raw[start:end], (shape[-2], shape[-3]))
        start = end
    return array.reshape(shape)


def _encoded(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(file, "WEBP", lossless=True, quality=80, method=4)
    return file.getvalue()


def _decoded(data: bytes, size: tuple[int, int]) -> np.ndarray:
    with Image.open(io.BytesIO(data), formats=("WEBP",)) as picture:
        if picture.size != size or picture.mode != "RGB":
            raise ValueError(f"A packed picture of {picture.size} should have {size}.")
        return np.asarray(picture)
