"""Augmented copies of pictures (paper, section 3): colour shift, noise, jitter; windows for the recipes that have them.
Random numbers belong to each picture.

Invariant: copy k of picture i is a function of picture i and generator i alone, whatever shares the batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from engine.visualization.recipe import Recipe, View


def copies_of(
    images: Tensor,
    recipe: Recipe,
    noise_size: float,
    generators: Sequence[torch.Generator],
    size: tuple[int, int] | None = None,
    done: float = 0.0,
) -> Tensor:
    """(pictures, 3, H, W) -> (pictures, copies, 3, H, W), each copy augmented with its own random numbers.

    `noise_size` is the standard deviation of this step's noise. No clamping: the paper has none. With windows the copies
    have the model's input `size` (default: the picture's), and `done` says how far the run is, from 0 to 1.
    """
    size = size or (images.shape[-2], images.shape[-1])
    if recipe.view is not None:
        out = windows_of(images, recipe.view, recipe.copies, size, done, generators)
    else:
        out = images.unsqueeze(1).expand(-1, recipe.copies, -1, -1, -1)
    drawn = [_draw(recipe, size, noise_size, generator) for generator in generators]
    scale, shift, noise, offsets = (list(parts) for parts in zip(*drawn, strict=True))
    if recipe.colour_shift != "none":
        s, m = torch.stack(scale).to(images.device), torch.stack(shift).to(images.device)
        out = s * out + m if recipe.colour_shift == "scale-then-shift" else (out - m) / s
    if recipe.noise != "none":
        out = out + torch.stack(noise).to(images.device)
    return _roll(out, offsets) if recipe.jitter else out


def _draw(recipe: Recipe, size: Sequence[int], noise_size: float, generator: torch.Generator):
    """One picture's random numbers for one step, always in the same order."""
    k, reach = recipe.copies, recipe.colour_range
    scale = torch.exp(torch.empty(k, 3, 1, 1).uniform_(-reach, reach, generator=generator))
    shift = torch.empty(k, 3, 1, 1).uniform_(-reach, reach, generator=generator)
    noise = torch.zeros(())
    if recipe.noise != "none":
        shape = (k, 3, *size) if recipe.noise == "pixel" else (k, 3, 1, 1)
        noise = noise_size * torch.randn(shape, generator=generator)
    shifts = 1 if recipe.jitter_shared else k
    offsets = torch.randint(-recipe.jitter, recipe.jitter + 1, (shifts, 2), generator=generator).expand(k, 2).tolist()
    return scale, shift, noise, offsets


def _roll(images: Tensor, offsets: Sequence[Sequence[Sequence[int]]]) -> Tensor:
    """Circular shifts, one a copy. A loop of rolls and not a gather: the gather's gradient is not deterministic on CUDA."""
    rows = [
        torch.stack(
            [torch.roll(copy, (down, right), (1, 2)) for copy, (down, right) in zip(picture, shifts, strict=True)]
        )
        for picture, shifts in zip(images, offsets, strict=True)
    ]
    return torch.stack(rows)


def total_variation(copies: Tensor) -> Tensor:
    """(pictures, copies, 3, H, W) -> (pictures,): the norms of four difference images (right, down, both diagonals).

    Each norm is over the pixels of a channel of a copy, neither squared nor averaged; then the mean over copies and
    channels, then the sum over the four directions, as in the authors' code.
    """
    x = copies
    differences = (
        x[..., :, 1:] - x[..., :, :-1],
        x[..., 1:, :] - x[..., :-1, :],
        x[..., 1:, 1:] - x[..., :-1, :-1],
        x[..., 1:, :-1] - x[..., :-1, 1:],
    )
    # The tiny addend keeps the gradient finite where a copy is perfectly flat.
    norms = [(d.square().sum((-2, -1)) + 1e-12).sqrt() for d in differences]
    return torch.stack(norms).sum(0).mean((-2, -1))


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
