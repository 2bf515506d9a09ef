"""The one layout of activations: (batch, position, unit), with a Grid that says what the positions are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Grid:
    """How positions tile the image: `prefix` tokens first (CLS, registers), then height x width, row by row."""

    height: int
    width: int
    prefix: int = 0

    @property
    def positions(self) -> int:
        return self.prefix + self.height * self.width


def channels_to_positions(maps: Tensor) -> Tensor:
    """(batch, unit, height, width) -> (batch, position, unit), row by row."""
    return maps.flatten(2).transpose(1, 2)


def spatial(values: Tensor, grid: Grid) -> Tensor:
    """(batch, position, ...) without the prefix tokens: only the positions that lie on the image."""
    return values[:, grid.prefix :]


def to_maps(values: Tensor, grid: Grid) -> Tensor:
    """(batch, position, unit) -> (batch, unit, height, width), prefix tokens dropped."""
    return spatial(values, grid).transpose(1, 2).unflatten(2, (grid.height, grid.width))


def position_mean(values: Tensor, grid: Grid) -> Tensor:
    """(batch, position, ...) -> (batch, ...): mean over image positions, prefix tokens left out (paper, section 3)."""
    return torch.mean(spatial(values, grid), dim=1)
