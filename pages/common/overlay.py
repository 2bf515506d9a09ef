"""Where a unit looks: a position map laid over its image, and pictures enlarged with crisp pixels. Pure NumPy."""

from __future__ import annotations

import numpy as np
from PIL import Image

# Dark red to pale yellow: grows in lightness, so that it can be read without telling red from green.
_HEAT = np.array([[92, 9, 50], [168, 24, 58], [221, 74, 44], [248, 145, 49], [253, 205, 93], [255, 247, 190]], float)
LUMINANCE = np.array([0.299, 0.587, 0.114])
DIMMED = 0.4
"""How bright an image is where its unit is not active."""
STRONGEST = 0.7
"""How much of the image the heat covers where a map is at the top of its scale."""


def heat(values: np.ndarray) -> np.ndarray:
    """Colours of values in 0..1: (...,) -> (..., 3) floats in 0..255."""
    place = np.clip(values, 0, 1) * (len(_HEAT) - 1)
    low = np.minimum(place.astype(int), len(_HEAT) - 2)
    part = (place - low)[..., None]
    return _HEAT[low] * (1 - part) + _HEAT[low + 1] * part


def overlay(image: np.ndarray, positions: np.ndarray, low: float, high: float) -> np.ndarray:
    """The image, uint8 (height, width, 3), with a map (rows, columns) laid over it, scaled smoothly to its size.

    Nothing is laid where the map is at `low` or below; the most where it is at `high` or above.
    """
    share = _shares(image, positions, low, high)
    cover = (share * STRONGEST)[..., None]
    return np.rint(image * (1 - cover) + heat(share) * cover).astype(np.uint8)


def spotlight(image: np.ndarray, positions: np.ndarray, low: float, high: float) -> np.ndarray:
    """The image, uint8 (height, width, 3), in its own colours where a map (rows, columns) is high, grey and dim where it is
    low: nothing that a person should judge by its colour is tinted.

    In full from half-way between `low` and `high` on, dimmed the most at `low` or below.
    """
    share = np.clip(2 * _shares(image, positions, low, high), 0, 1)[..., None]
    grey = (image @ LUMINANCE)[..., None]
    dim = DIMMED * (0.25 * image + 0.75 * grey)
    return np.rint(image * share + dim * (1 - share)).astype(np.uint8)


def full_from(low: float, high: float) -> float:
    """The value from which on a spotlight shows the image in full, on a scale from `low` to `high`."""
    return (low + high) / 2


def _shares(image: np.ndarray, positions: np.ndarray, low: float, high: float) -> np.ndarray:
    """(height, width): a map scaled smoothly to the image's size, 0 at `low` and below, 1 at `high` and above."""
    height, width = image.shape[:2]
    smooth = Image.fromarray(np.asarray(positions, np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    return np.clip((np.asarray(smooth) - low) / max(high - low, 1e-9), 0, 1)


def enlarged(image: np.ndarray, side: int) -> np.ndarray:
    """The image with every pixel repeated, the smallest whole number of times that makes it at least `side` wide."""
    times = max(1, -(-side // image.shape[1]))
    return image.repeat(times, axis=0).repeat(times, axis=1)
