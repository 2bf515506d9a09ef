"""Cutting an image into its object and its background, and what is put in the hole.

A fill is a cue of its own, so there are several. Invariant: nothing of what was cut out gets into a fill: all but
black are made from what is kept, so that an object's colour does not leak into its background.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from engine.core.choices import Fill

BLUR = 0.1  # the blur's standard deviation, as a share of the longer side
_LITTLE = 1e-4  # weight of the mean colour in a blur: decides only where nothing kept is near


def box_region(boxes: Sequence[tuple[int, int, int, int]], height: int, width: int) -> np.ndarray:
    """(height, width) bool: the union of boxes (left, top, right, bottom), right and bottom excluded."""
    region = np.zeros((height, width), bool)
    for left, top, right, bottom in boxes:
        region[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    return region


def cut(images: Tensor, keep: Tensor, fill: Fill, numbers: Sequence[int]) -> Tensor:
    """Images (b, 3, h, w) in [0, 1] with everything outside `keep` (b, 1, h, w; bool) filled.

    black: zero, as in the paper's protocol. mean: the mean colour of what is kept. blur: what is kept, spread into the
    hole by a Gaussian. noise: independent normal noise with the kept part's mean and spread per channel, seeded by the
    images' `numbers`. tile: the largest strip beside the hole's bounding box, repeated (the mean colour where there is
    none), as in Only-BG-T of Xiao et al. 2020.
    """
    kept = keep.to(images.dtype)
    if fill == "black":
        return images * kept
    weight = kept.sum((2, 3), keepdim=True).clamp_min(1)
    mean = (images * kept).sum((2, 3), keepdim=True) / weight
    if fill == "mean":
        inside = mean.expand_as(images)
    elif fill == "blur":
        inside = (_blur(images * kept) + _LITTLE * mean) / (_blur(kept) + _LITTLE)
    elif fill == "noise":
        spread = (((images - mean) ** 2 * kept).sum((2, 3), keepdim=True) / weight).sqrt()
        inside = (mean + spread * _noise(images, numbers)).clamp(0, 1)
    else:
        inside = torch.stack([_tiled(*one) for one in zip(images, keep[:, 0], mean, strict=True)])
    return torch.where(keep, images, inside)


def _blur(images: Tensor) -> Tensor:
    """Gaussian blur; beyond the edge there is nothing."""
    height, width = images.shape[2:]
    sigma = BLUR * max(height, width)
    radius = min(int(3 * sigma), height - 1, width - 1) or 1
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    flat = images.reshape(-1, 1, height, width)
    across = nn.functional.conv2d(flat, kernel.view(1, 1, 1, -1), padding=(0, radius))
    return nn.functional.conv2d(across, kernel.view(1, 1, -1, 1), padding=(radius, 0)).view_as(images)


def _noise(images: Tensor, numbers: Sequence[int]) -> Tensor:
    """Standard normal, each image's own, made on the CPU so that every device gets the same."""
    shape = images.shape[1:]
    drawn = (torch.randn(shape, generator=torch.Generator().manual_seed(int(number))) for number in numbers)
    return torch.stack([*drawn]).to(images)


def _tiled(image: Tensor, keep: Tensor, mean: Tensor) -> Tensor:
    """(3, h, w): the largest rectangle above, below, left or right of the hole's bounding box, repeated over the image."""
    height, width = keep.shape
    rows, columns = (~keep).any(1).nonzero().flatten(), (~keep).any(0).nonzero().flatten()
    if not len(rows):
        return image
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    strips = (image[:, :top], image[:, bottom:], image[:, :, :left], image[:, :, right:])
    strip = max(strips, key=lambda each: each.shape[1] * each.shape[2])
    if not strip.numel():
        return mean.expand_as(image)
    across, down = -(-width // strip.shape[2]), -(-height // strip.shape[1])
    return strip.repeat(1, down, across)[:, :height, :width]
