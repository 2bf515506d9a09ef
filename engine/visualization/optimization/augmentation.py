"""Augmented copies of pictures (paper, section 3): colour shift, noise, jitter.

Invariants: copy k of picture i is a function of picture i and its own random numbers alone, whatever shares the batch;
the number of tensor operations does not grow with the number of pictures or copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.visualization.optimization.seeding import Draws, Purpose
from engine.visualization.optimization.windows import windows_of
from engine.visualization.recipe import Recipe


@dataclass(frozen=True)
class Copies:
    """images (pictures, copies, 3, h, w), and how they were made: `scale` (pictures, copies, 3) of each colour and `offsets`
    (pictures, copies, 2) of the circular shift (down, right), in pixels; `whole`: nothing else that total variation sees."""

    images: Tensor
    scale: Tensor
    offsets: Tensor
    whole: bool


def copies_of(
    images: Tensor,
    recipe: Recipe,
    draws: Draws,
    step: int,
    size: tuple[int, int] | None = None,
    *,
    noise_size: float = 0.0,
    done: float = 0.0,
) -> Copies:
    """(pictures, 3, H, W) -> their augmented copies at this step, each with its own random numbers.

    `noise_size` is the standard deviation of this step's noise. No clamping: the paper has none. With windows the copies
    have the model's input `size` (default: the picture's), and `done` says how far the run is, from 0 to 1.
    """
    size = size or (images.shape[-2], images.shape[-1])
    count, copies = len(images), recipe.copies
    out = images[:, None] if recipe.view is None else windows_of(images, recipe.view, copies, size, done, draws, step)
    offsets = torch.zeros(count, copies, 2, dtype=torch.int64, device=images.device)
    if recipe.jitter:
        shifts = 1 if recipe.jitter_shared else copies
        drawn = draws.integers(Purpose.JITTER, step, (shifts, 2), -recipe.jitter, recipe.jitter)
        offsets = drawn.expand(-1, copies, -1)
        # Shifted before anything else is done to it: the pixels of one picture are moved, not those of all its copies.
        out = _Shift.apply(out, offsets)
    else:
        out = out.expand(-1, copies, -1, -1, -1)
    scale = torch.ones(count, copies, 3, device=images.device)
    if recipe.colour_shift != "none":
        reach = recipe.colour_range
        logs, moves = (draws.uniform(Purpose.COLOUR, step, (copies, 2, 3)) * (2 * reach) - reach).unbind(2)
        s, m = logs.exp()[..., None, None], moves[..., None, None]
        out = s * out + m if recipe.colour_shift == "scale-then-shift" else (out - m) / s
        scale = logs.exp() if recipe.colour_shift == "scale-then-shift" else (-logs).exp()
    if recipe.noise != "none":
        shape = (copies, 3, *size) if recipe.noise == "pixel" else (copies, 3, 1, 1)
        out = out + noise_size * draws.normal(Purpose.NOISE, step, shape)
    return Copies(out, scale, offsets, recipe.view is None and recipe.noise != "pixel")


class _Shift(torch.autograd.Function):
    """Circular shifts, one a copy, as one gather. Its gradient is the gather with the opposite shifts, summed over the
    copies of a picture: nothing is added up in an order of the device's own choosing."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, offsets: Tensor) -> Tensor:
        """images (pictures, 1 or copies, C, H, W), offsets (pictures, copies, 2) -> (pictures, copies, C, H, W)."""
        ctx.offsets, ctx.shared = offsets, images.shape[1] == 1
        return _shift(images, offsets)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        back = _shift(gradients[0], -ctx.offsets)
        return (back.sum(1, keepdim=True) if ctx.shared else back), None


def _shift(images: Tensor, offsets: Tensor) -> Tensor:
    channels, height, width = images.shape[2:]
    rows = (torch.arange(height, device=images.device) - offsets[..., :1]) % height
    columns = (torch.arange(width, device=images.device) - offsets[..., 1:]) % width
    places = (rows[..., :, None] * width + columns[..., None, :]).flatten(2)[:, :, None].expand(-1, -1, channels, -1)
    flat = images.flatten(3).expand(-1, offsets.shape[1], -1, -1)
    return flat.gather(3, places).unflatten(3, (height, width))
