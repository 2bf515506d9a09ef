"""Windows onto a picture: cut out, turned, scaled to the model's input. All of it products of matrices and Fourier
transforms, whose gradients are the same at every run on every device (those of gathers are not).

Invariant: copy k of picture i is a function of picture i and generator i alone, whatever shares the batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from engine.recipes import View

GREY = 0.5


def windows_of(
    images: Tensor, view: View, copies: int, size: tuple[int, int], done: float, generators: Sequence[torch.Generator]
) -> Tensor:
    """(pictures, 3, H, W) -> (pictures, copies, 3, *size); `done` is how far the run is, from 0 to 1."""
    out = []
    for image, generator in zip(images, generators, strict=True):
        middle = view.side[0] + done * (view.side[1] - view.side[0])
        side = middle + view.side_spread * torch.randn(copies, generator=generator)
        side = side.clamp(min=0.02) / (1 + view.zoom * (2 * torch.rand(copies, generator=generator) - 1))
        centre = 0.5 + view.centre_spread * torch.randn(copies, 2, generator=generator)
        centre = centre + view.shift * (2 * torch.rand(copies, 2, generator=generator) - 1)
        turns = (2 * torch.rand(copies, generator=generator) - 1) * view.turn
        noise = torch.zeros(())
        if view.noise:
            normal = torch.randn(copies, 3, *size, generator=generator)
            uniform = torch.rand(copies, 3, *size, generator=generator) - 0.5
            noise = (view.noise * (normal + uniform)).to(image.device)
        drawn = zip(turns.tolist(), centre.tolist(), side.tolist(), strict=True)
        rows = [
            cut(turned(image, turn) if turn else image, down, right, wide, size) for turn, (down, right), wide in drawn
        ]
        out.append(torch.stack(rows) + noise.to(image.device))
    return torch.stack(out)


def cut(image: Tensor, down: float, right: float, side: float, size: tuple[int, int]) -> Tensor:
    """(3, H, W) -> (3, *size): the window around (down, right) with this side, in shares; grey outside the picture."""
    height, width = image.shape[-2:]
    rows = resampling(height, size[0], (down - side / 2) * height, side * height).to(image)
    columns = resampling(width, size[1], (right - side / 2) * width, side * width).to(image)
    return rows @ (image - GREY) @ columns.T + GREY


def resampling(length: int, out: int, start: float, extent: float) -> Tensor:
    """(out, length): the matrix that reads `out` samples from `extent` pixels on from `start`, with a triangle as wide
    as the coarser of the two rasters. What lies outside counts as zero."""
    step = extent / out
    wide = max(1.0, step)
    places = start + (torch.arange(out, dtype=torch.float64) + 0.5) * step
    reach = math.ceil(wide) + 1
    pixels = torch.arange(-reach, length + reach, dtype=torch.float64) + 0.5
    weights = (1 - (pixels[None] - places[:, None]).abs() / wide).clamp(min=0)
    total = weights.sum(1, keepdim=True)
    inside = weights[:, reach : reach + length]
    return torch.where(total > 0, inside / total.clamp(min=1e-12), 0.0).float()


def turned(image: Tensor, degrees: float) -> Tensor:
    """(3, H, W) turned counter-clockwise around its middle by three shears (Paeth 1986), each a shift of every row or
    column in the Fourier domain. Grey comes in at the corners: half a side of it is laid around the picture first."""
    height, width = image.shape[-2:]
    edge = (width // 4, width // 4, height // 4, height // 4)
    padded = torch.nn.functional.pad(image - GREY, edge)
    angle = math.radians(degrees)
    along, across = math.tan(angle / 2), -math.sin(angle)
    padded = _shear(_shear(_shear(padded, along, -1), across, -2), along, -1)
    return padded[:, height // 4 : height // 4 + height, width // 4 : width // 4 + width] + GREY


def _shear(image: Tensor, slope: float, axis: int) -> Tensor:
    """Shifts each line along `axis` by `slope` pixels for each pixel that it lies off the middle."""
    length, lines = image.shape[axis], image.shape[-1 if axis == -2 else -2]
    off = (torch.arange(lines, device=image.device) - (lines - 1) / 2) * slope
    waves = torch.fft.rfftfreq(length, device=image.device)
    angle = -2 * math.pi * waves[None] * off[:, None]
    phase = torch.polar(torch.ones_like(angle), angle)
    phase = phase if axis == -1 else phase.T
    return torch.fft.irfft(torch.fft.rfft(image, dim=axis) * phase, n=length, dim=axis)
