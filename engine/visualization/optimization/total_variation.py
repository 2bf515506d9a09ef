"""Total variation of the augmented copies: how rough they are, as the paper's penalty counts it."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.visualization.optimization.augmentation import Copies

TINY = 1e-12
"""Added to sums of squares, so that the gradient of their root stays finite where a copy is perfectly flat."""


def total_variation(pictures: Tensor, copies: Copies) -> Tensor:
    """(n,): total variation of the copies of pictures (n, 3, H, W), in the cheaper of two ways that agree."""
    if copies.whole:
        return of_shifted(pictures, copies.scale, copies.offsets)
    return of_copies(copies.images)


def of_copies(copies: Tensor) -> Tensor:
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
    norms = [(d.square().sum((-2, -1)) + TINY).sqrt() for d in differences]
    return torch.stack(norms).sum(0).mean((-2, -1))


def of_shifted(pictures: Tensor, scale: Tensor, offsets: Tensor) -> Tensor:
    """What `of_copies` gives for copies of pictures (n, 3, H, W) that are shifted in a circle by offsets (n, copies, 2)
    and scaled by colour (n, copies, 3): (n,), from one pass over the pictures.

    A shifted copy has the picture's circular differences but for those across its edges, which lie on one row and one
    column of the picture, the seam: sums over all less the seam's row and column, plus their crossing, left out twice.
    """
    height, width = pictures.shape[-2:]
    # Place (i, j) holds the difference between the pixel there and its neighbour, both counted in a circle.
    below, right = pictures.roll(-1, 2), pictures.roll(-1, 3)
    diagonal = below.roll(-1, 3)
    squares = torch.stack([right - pictures, below - pictures, diagonal - pictures, below - right], 1).square()
    row_of_seam = ((-1 - offsets[..., 0]) % height)[:, :, None, None, None]
    column_of_seam = ((-1 - offsets[..., 1]) % width)[:, :, None, None, None]
    of_rows, of_columns, total = squares.sum(4), squares.sum(3), squares.sum((3, 4))
    copies = offsets.shape[1]
    many = (-1, copies, -1, -1, -1)
    on_row = of_rows[:, None].expand(many).gather(4, row_of_seam.expand(-1, -1, 4, 3, 1))[..., 0]
    on_column = of_columns[:, None].expand(many).gather(4, column_of_seam.expand(-1, -1, 4, 3, 1))[..., 0]
    crossing_place = (row_of_seam * width + column_of_seam).expand(-1, -1, 4, 3, 1)
    crossing = squares.flatten(3)[:, None].expand(many).gather(4, crossing_place)[..., 0]
    direction = torch.arange(4, device=pictures.device)[:, None]
    crosses_column, crosses_row = direction != 1, direction != 0  # the diagonals cross both
    inside = (
        total[:, None] - crosses_row * on_row - crosses_column * on_column + crosses_row * crosses_column * crossing
    )
    norms = (scale[:, :, None].square() * inside.clamp(min=0) + TINY).sqrt()
    return norms.sum(2).mean((1, 2))
