"""The spectrum of the starter's scenes: the sizes of waves for MACO, whatever data set its pictures are compared with.

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

FILE = paths.STARTER / "spectrum.safetensors"
SIDE = 96
"""The scenes' side in pixels."""


@cache
def measured() -> dict[str, np.ndarray]:
    """`whitened` (3, 96, 49): mean wave size times frequency, colours decorrelated."""
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
