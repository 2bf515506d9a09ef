"""Windows onto pictures, for the recipes that have them: scaled, moved, turned, grey outside the picture."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.core.devices import exact
from engine.visualization.optimization.seeding import Draws, Purpose
from engine.visualization.recipe import View

GREY = 0.5


def windows_of(
    images: Tensor, view: View, copies: int, size: tuple[int, int], done: float, draws: Draws, step: int
) -> Tensor:
    """(pictures, 3, H, W) -> (pictures, copies, 3, *size); `done` is how far the run is, from 0 to 1."""
    normal = draws.normal(Purpose.WINDOW, 2 * step, (copies, 3))
    uniform = 2 * draws.uniform(Purpose.WINDOW, 2 * step + 1, (copies, 4)) - 1
    middle = view.side[0] + done * (view.side[1] - view.side[0])
    side = (middle + view.side_spread * normal[..., 0]).clamp(min=0.02) / (1 + view.zoom * uniform[..., 0])
    centre = 0.5 + view.centre_spread * normal[..., 1:] + view.shift * uniform[..., 1:3]
    pictures = images[:, None] if not view.turn else turned(images[:, None], view.turn * uniform[..., 3])
    out = cut(pictures, centre[..., 0], centre[..., 1], side, size)
    if not view.noise:
        return out
    shape = (copies, 3, *size)
    noise = draws.normal(Purpose.WINDOW_NOISE, 2 * step, shape) + draws.uniform(
        Purpose.WINDOW_NOISE, 2 * step + 1, shape
    )
    return out + view.noise * (noise - 0.5)


def cut(images: Tensor, down: Tensor, right: Tensor, side: Tensor, size: tuple[int, int]) -> Tensor:
    """(n, 1 or copies, 3, H, W) -> (n, copies, 3, *size): windows around (down, right) with these sides (n, copies), in
    shares of the picture's; grey outside the picture."""
    height, width = images.shape[-2:]
    rows = resampling(height, size[0], (down - side / 2) * height, side * height)[:, :, None]
    columns = resampling(width, size[1], (right - side / 2) * width, side * width)[:, :, None]
    return rows @ (images - GREY) @ columns.mT + GREY


def resampling(length: int, out: int, start: Tensor, extent: Tensor) -> Tensor:
    """(..., out, length): the matrices that read `out` samples from `extent` pixels on from `start` (...), with a triangle
    as wide as the coarser of the two rasters. What lies outside counts as zero."""
    device = exact(start.device)
    step = extent.to(device, torch.float64)[..., None, None] / out
    wide = step.clamp(min=1.0)
    middles = torch.arange(out, device=device, dtype=torch.float64)[:, None] + 0.5
    places = start.to(device, torch.float64)[..., None, None] + middles * step
    pixels = torch.arange(length, device=device, dtype=torch.float64) + 0.5
    weights = (1 - (pixels - places).abs() / wide).clamp(min=0)
    # The triangle's samples at all whole pixels, also those beyond the edges, would sum to this.
    return (weights / _samples(places, wide)).to(start.device, torch.float32)


def _samples(places: Tensor, wide: Tensor) -> Tensor:
    """Sum over all pixel middles of a triangle of half-width `wide` around `places`, in closed form."""
    left = places - 0.5 - (places - 0.5).floor()  # how far beyond a pixel's middle
    total = torch.zeros_like(places)
    for side in (left, 1 - left):
        count = (wide - side).clamp(min=0).ceil()  # middles within reach on this side: at side, side + 1, ...
        total = total + count - (count * side + count * (count - 1) / 2) / wide
    return total


def turned(images: Tensor, degrees: Tensor) -> Tensor:
    """(n, 1 or copies, 3, H, W) turned counter-clockwise by degrees (n, copies) around the middle by three shears (Paeth
    1986), each a shift of every row or column in the Fourier domain. Grey comes in at the corners: half a side of it is laid
    around the picture first."""
    height, width = images.shape[-2:]
    edge = (width // 4, width // 4, height // 4, height // 4)
    padded = torch.nn.functional.pad(images - GREY, edge)
    angle = torch.deg2rad(degrees)[:, :, None, None, None]
    along, across = (angle / 2).tan(), -angle.sin()
    padded = _shear(_shear(_shear(padded, along, -1), across, -2), along, -1)
    return padded[..., height // 4 : height // 4 + height, width // 4 : width // 4 + width] + GREY


def _shear(images: Tensor, slope: Tensor, axis: int) -> Tensor:
    """Shifts each line along `axis` by `slope` pixels for each pixel that it lies off the middle."""
    length, lines = images.shape[axis], images.shape[-1 if axis == -2 else -2]
    off = (torch.arange(lines, device=images.device) - (lines - 1) / 2)[:, None] * slope
    waves = torch.fft.rfftfreq(length, device=images.device)
    angle = -2 * math.pi * waves * off
    phase = torch.polar(torch.ones_like(angle), angle)
    phase = phase if axis == -1 else phase.mT
    return torch.fft.irfft(torch.fft.rfft(images, dim=axis) * phase, n=length, dim=axis)
