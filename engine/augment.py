"""Augmented copies of pictures (paper, section 3): colour shift, noise, jitter; windows for the recipes that have them.
Random numbers belong to each picture.

Invariant: copy k of picture i is a function of picture i and generator i alone, whatever shares the batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.recipes import Recipe
from engine.windows import windows_of


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
