"""Augmentation of training images: crop and scale, colour, and a rectangle taken out. On a whole batch at once."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

SCALE = (0.65, 1.2)  # side of the window, relative to the image; above 1 the edge is mirrored
ERASE_SHARE = 0.25
GREY_SHARE = 0.08


def uniform(generator: torch.Generator, low: float, high: float, *shape: int) -> Tensor:
    return torch.empty(shape).uniform_(low, high, generator=generator)


def crop(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """(batch, 3, H, W) -> (batch, 3, side, side): a random window, a little wider or taller than square, resampled."""
    n = len(images)
    scale = torch.exp(uniform(generator, math.log(SCALE[0]), math.log(SCALE[1]), n))
    stretch = torch.exp(uniform(generator, -0.15, 0.15, n))
    width, height = scale * stretch, scale / stretch
    free_x, free_y = (1 - width).abs(), (1 - height).abs()
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = width, height
    theta[:, 0, 2] = uniform(generator, -1, 1, n) * free_x
    theta[:, 1, 2] = uniform(generator, -1, 1, n) * free_y
    if side < images.shape[-1]:  # averaging first: sampling alone would alias
        images = F.interpolate(images, size=(side * 3 // 2, side * 3 // 2), mode="bilinear", antialias=True)
    grid = F.affine_grid(theta, [n, 3, side, side], align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def colour(images: Tensor, generator: torch.Generator) -> Tensor:
    """A random 3 x 3 colour matrix near the identity, gain, offset and contrast; a few images turn grey."""
    n = len(images)
    mix = torch.eye(3) + 0.12 * torch.randn(n, 3, 3, generator=generator)
    mix = mix / mix.sum(2, keepdim=True).clamp(min=0.5)
    grey = (torch.rand(n, generator=generator) < GREY_SHARE)[:, None, None]
    mix = torch.where(grey, torch.full((3, 3), 1 / 3), mix)
    images = torch.einsum("nij,njhw->nihw", mix, images)
    mean = images.mean((1, 2, 3), keepdim=True)
    contrast = uniform(generator, 0.6, 1.4, n, 1, 1, 1)
    gain = torch.exp(uniform(generator, -0.15, 0.15, n, 3, 1, 1))
    offset = uniform(generator, -0.15, 0.15, n, 1, 1, 1)
    return ((images - mean) * contrast + mean) * gain + offset


def erase(images: Tensor, generator: torch.Generator) -> Tensor:
    """In some images a rectangle of up to a third of each side becomes its image's mean colour."""
    n, _, height, width = images.shape
    size = uniform(generator, 0.15, 0.35, n, 2)
    corner = uniform(generator, 0, 1, n, 2) * (1 - size)
    chosen = torch.rand(n, generator=generator) < ERASE_SHARE
    rows = (torch.arange(height) + 0.5)[None, :, None] / height
    columns = (torch.arange(width) + 0.5)[None, None, :] / width
    inside = (
        (rows >= corner[:, 0, None, None])
        & (rows < (corner + size)[:, 0, None, None])
        & (columns >= corner[:, 1, None, None])
        & (columns < (corner + size)[:, 1, None, None])
    )
    hidden = (inside & chosen[:, None, None])[:, None]
    return torch.where(hidden, images.mean((2, 3), keepdim=True), images)


def augment(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """(batch, 3, H, W) in [0, 1] -> (batch, 3, side, side) in [0, 1]."""
    images = crop(images, side, generator)
    return erase(colour(images, generator), generator).clamp(0, 1)
