"""The power spectrum of real images: the sizes of waves for MACO, and how far a picture's spectrum is from theirs.

The numbers were measured on the starter's scenes by `python -m bench.spectrum` and stand in `starter/spectrum.safetensors`.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import Tensor

from engine.core import paths
from engine.core.errors import Unavailable
from engine.core.images import to_input

FILE = paths.STARTER / "spectrum.safetensors"
SIDE = 96
"""The scenes' side in pixels; pictures of other sizes are scaled to it before their spectrum is compared."""
BINS = 16
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


@cache
def measured() -> dict[str, np.ndarray]:
    """`whitened` (3, 96, 49): mean wave size times frequency, colours decorrelated; `profile` (BINS,): mean log10 radial
    power of the scenes, its own mean taken off; `distances` (101,): percentiles of the scenes' distances to it."""
    if not FILE.is_file():
        raise Unavailable(f"The measured spectrum is not here: {FILE} is missing. `python -m bench.spectrum` makes it.")
    return load_file(FILE)


def frequencies(size: tuple[int, int]) -> Tensor:
    """(H, W // 2 + 1): cycles a pixel of each wave of a real Fourier transform."""
    down, right = torch.fft.fftfreq(size[0])[:, None], torch.fft.rfftfreq(size[1])[None]
    return (down.square() + right.square()).sqrt()


def magnitude_at(size: tuple[int, int]) -> Tensor:
    """(3, H, W // 2 + 1): mean sizes of the waves of real images for pictures of this size; 0 for the constant.

    Read off the measured table at the same frequency in cycles a pixel. The table holds size times frequency, which is
    nearly flat, so that waves longer than the scenes themselves follow by one over frequency.
    """
    table = torch.from_numpy(measured()["whitened"])
    table = torch.fft.fftshift(table, dim=1)  # from -1/2 up; the first row stands for +1/2 as well
    table = torch.cat([table, table[:, :1]], 1)
    rows, columns = table.shape[1] - 1, table.shape[2] - 1
    down = (torch.fft.fftfreq(size[0]) + 0.5) * rows
    right = torch.fft.rfftfreq(size[1]) * 2 * columns
    whitened = _interpolate(_interpolate(table, down, 1), right, 2)
    frequency = frequencies(size)
    return torch.where(frequency > 0, whitened / frequency.clamp(min=1e-6), 0.0)


def _interpolate(table: Tensor, places: Tensor, axis: int) -> Tensor:
    low = places.floor().long().clamp(0, table.shape[axis] - 2)
    share = places - low
    share = share[:, None] if axis == 1 else share
    return table.index_select(axis, low) * (1 - share) + table.index_select(axis, low + 1) * share


def radial(image: np.ndarray) -> np.ndarray:
    """(BINS,): log10 power of the luminance of an image, uint8 (height, width, 3), by frequency, its mean taken off.

    Bins are even in the logarithm of frequency, from 1 to 48 cycles an image. A window takes the edges' own waves away.
    """
    grey = to_input(image, (SIDE, SIDE)).astype(np.float32) @ LUMINANCE / 255
    window = np.hanning(SIDE)[:, None] * np.hanning(SIDE)[None]
    power = np.abs(np.fft.rfft2((grey - grey.mean()) * window)) ** 2
    cycles = frequencies((SIDE, SIDE)).numpy() * SIDE
    edges = np.geomspace(1, SIDE / 2, BINS + 1)
    which = np.clip(np.digitize(cycles, edges) - 1, 0, BINS - 1)
    inside = (cycles >= 1) & (cycles <= SIDE / 2)
    count = np.bincount(which[inside], minlength=BINS)
    total = np.bincount(which[inside], power[inside], minlength=BINS)
    filled = count > 0
    logs = np.log10(total[filled] / count[filled] + 1e-8)
    profile = np.interp(np.arange(BINS), np.flatnonzero(filled), logs)
    return (profile - profile.mean()).astype(np.float32)


def spectrum_distance(image: np.ndarray) -> tuple[float, float]:
    """How far an image's radial spectrum is from that of the scenes: root mean square of the differences of log10 power
    (1: ten times too much or too little), and the share of scenes that are closer, in percent."""
    known = measured()
    distance = float(np.sqrt(np.mean((radial(image) - known["profile"]) ** 2)))
    return distance, float(np.searchsorted(known["distances"], distance))
