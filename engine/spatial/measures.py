"""What is measured of tokens on their positions, image by image. Everything is (B, position, unit), prefix dropped."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.core import devices

FIT_RIDGE = 1e-3
"""Ridge penalty, as a share of the mean variance of a unit."""


def homogeneity(tokens: Tensor) -> Tensor:
    """(B,): 1 minus the spread of the tokens around their mean, as a share of their total square. 1: all are equal."""
    values = tokens.float()
    total = values.square().sum(dim=(1, 2))
    spread = (values - values.mean(dim=1, keepdim=True)).square().sum(dim=(1, 2))
    return 1 - spread / total.clamp(min=1e-30)


def self_retrieval(tokens: Tensor, inputs: Tensor) -> Tensor:
    """(B,): share of tokens whose nearest (cosine) of the image's input embeddings is that of their own position.

    Ties count as a share: where k are nearest, being one of them is worth 1 / k. Chance is 1 / positions.
    """
    values, reference = (torch.nn.functional.normalize(each.float(), dim=2) for each in (tokens, inputs))
    near = values @ reference.transpose(1, 2)
    best = near.amax(dim=2, keepdim=True)
    tied = near >= best - 1e-6
    own = torch.diagonal(tied, dim1=1, dim2=2).float()
    return (own / tied.sum(dim=2)).mean(dim=1)


def auroc(maps: Tensor, masks: Tensor) -> Tensor:
    """(B, U): for each unit's map (B, position, U), the chance that a position on the object (masks (B, position),
    1 on it) has a higher value than one beside it; ties count half. NaN where a mask is all or nothing.

    Ranks come from one sort with the mask in the value's last bit, and one with it turned around, which settles ties.
    """
    on = masks.to(torch.int32).unsqueeze(1)
    count = on.sum(dim=2)
    bits = maps.float().transpose(1, 2).contiguous().view(torch.int32) & ~1
    places = torch.arange(maps.shape[1], device=maps.device, dtype=torch.int32)
    first = _sorted((bits | on).view(torch.float32)).view(torch.int32) & 1
    second = 1 - (_sorted((bits | (1 - on)).view(torch.float32)).view(torch.int32) & 1)
    twice = ((first + second) * places).sum(dim=2)  # the ranks' sums, in whole numbers: exact on every device
    pairs = count * (maps.shape[1] - count)
    areas = (twice - count * (count - 1)).float() / (2 * pairs).float()
    return torch.where(pairs > 0, areas, torch.nan)


def _sorted(values: Tensor) -> Tensor:
    """Sorted along the last axis. On CPUs NumPy sorts floats many at a time."""
    if values.device.type == "cpu":
        return torch.from_numpy(np.sort(values.numpy(), axis=-1))
    return values.sort(dim=-1).values


class Ridge:
    """Row and column of a token from what it holds: fitted while images stream by, then scored on later ones."""

    def __init__(self, height: int, width: int, device: torch.device) -> None:
        rows, columns = torch.meshgrid(
            torch.linspace(-1, 1, height, device=device) if height > 1 else torch.zeros(1, device=device),
            torch.linspace(-1, 1, width, device=device) if width > 1 else torch.zeros(1, device=device),
            indexing="ij",
        )
        self._exact = devices.exact(device)
        self._places = torch.stack([rows.flatten(), columns.flatten()], dim=1)
        self._count = 0
        self._sums: list[Tensor] | None = None
        self._solved: tuple[Tensor, Tensor] | None = None

    def fit(self, tokens: Tensor) -> None:
        """Take in (B, position, D)."""
        values = tokens.float()
        flat = values.flatten(0, 1)
        sums = (flat.sum(0), flat.T @ flat, values.sum(0).T @ self._places)
        parts = [each.to(self._exact).double() for each in sums]
        self._sums = parts if self._sums is None else [a + b for a, b in zip(self._sums, parts, strict=True)]
        self._count += len(flat)

    def score(self, tokens: Tensor) -> Tensor:
        """(B,): R2 of row and column together on these images; may be below 0."""
        if self._solved is None:
            self._solved = self._solve()
        weights, mean = self._solved
        error = ((tokens.float() - mean) @ weights - self._places).square().sum(dim=(1, 2))
        return 1 - error / self._places.square().sum()

    def _solve(self) -> tuple[Tensor, Tensor]:
        """Weights (D, 2) and the tokens' mean (D,). Positions have mean 0 on every image, so there is no intercept."""
        assert self._sums is not None, "fit before scoring"
        total, square, cross = self._sums
        mean = total / self._count
        covariance = square / self._count - mean[:, None] * mean
        penalty = FIT_RIDGE * covariance.diagonal().mean().clamp(min=1e-12)
        covariance.diagonal().add_(penalty)
        weights = torch.linalg.solve(covariance, cross / self._count)
        return weights.float().to(self._places.device), mean.float().to(self._places.device)
