"""Right and wrong answers while images stream by: one byte an image and condition, two bits for each single position.

Intervals are those of `engine.core.statistics`; `clusters` (n,) says which images belong together."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.statistics import Estimate, difference, estimate, smallest_difference

TOP = 5


def ranks(logits: Tensor, labels: Tensor) -> Tensor:
    """How many classes score higher than the right one: logits (B, ..., classes), labels (B,) -> (B, ...). Classes that
    score the same do not count as higher; what is not a number does."""
    shape = (len(labels), *[1] * (logits.ndim - 1))
    right = logits.gather(-1, labels.view(shape).expand(*logits.shape[:-1], 1))
    return (~(logits <= right)).sum(dim=-1)


class Answers:
    """Ranks of the right class under several conditions, paired by image."""

    def __init__(self) -> None:
        self._ranks: dict[str, list[np.ndarray]] = {}

    def add(self, condition: str, logits: Tensor, labels: Tensor) -> None:
        """Take in the answers to a batch under this condition."""
        of_batch = ranks(logits, labels).clamp(max=255).to(torch.uint8).cpu().numpy()
        self._ranks.setdefault(condition, []).append(of_batch)

    def __contains__(self, condition: str) -> bool:
        return condition in self._ranks

    def hits(self, condition: str, top: int = 1) -> np.ndarray:
        """(n,) whether the right class was among the first `top`."""
        return np.concatenate(self._ranks[condition]) < top

    def accuracy(
        self, condition: str, against: str | None = None, clusters: np.ndarray | None = None
    ) -> dict[str, Any]:
        """top1, top5, n, interval and interval5 (95%); with `against`, the paired difference of top1 too, its interval, and
        the smallest that so many images would show with 80% power."""
        first = self.hits(condition)
        facts = _facts(estimate(first, clusters=clusters), estimate(self.hits(condition, TOP), clusters=clusters))
        facts["n"] = len(first)
        if against is not None:
            before = self.hits(against)
            by = difference(first, before, clusters)
            facts |= {"difference": by.value, "difference_interval": [by.low, by.high]}
            facts["smallest"] = smallest_difference(first, before, clusters)
        return facts


def _facts(first: Estimate, five: Estimate) -> dict[str, Any]:
    return {
        "top1": first.value, "top5": five.value, "interval": [first.low, first.high], "interval5": [five.low, five.high]
    }  # fmt: skip


class Positions:
    """The head on every single position: how often each is right, and how many are on each image."""

    def __init__(self, positions: int) -> None:
        self._positions = positions
        self._right = np.zeros((2, positions), np.int64)
        self._packed: dict[int, list[np.ndarray]] = {1: [], TOP: []}
        self._means: list[np.ndarray] = []

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Logits (B, position, classes)."""
        higher = ranks(logits, labels).cpu().numpy()
        hits = np.stack([higher < 1, higher < TOP], axis=1)
        self._means.append(hits.mean(axis=2))
        self._right += hits.sum(axis=0)
        for place, kept in enumerate(self._packed.values()):
            kept.append(np.packbits(hits[:, place], axis=1))

    def map(self) -> np.ndarray:
        """(2, position): share of images answered rightly from each position, top1 and top5."""
        return self._right / sum(map(len, self._means))

    def average(self, clusters: np.ndarray | None = None) -> dict[str, Any]:
        """Mean over positions (paper: Patch Average); the interval is over images."""
        means = np.concatenate(self._means)
        one, five = (estimate(each, clusters=clusters) for each in means.T)
        return _facts(one, five) | {"n": len(means)}

    def maximum(self, clusters: np.ndarray | None = None) -> dict[str, Any]:
        """The best position (paper: Patch Maximum), each of top1 and top5 its own. `held_out` is what the best position
        of either half of the images reaches on the other half, with its interval: free of the choice."""
        hits = self._hits(1)
        place, five = (int(right.argmax()) for right in self._right)
        total = estimate(self._hits(TOP)[:, five], clusters=clusters)
        ids = np.arange(len(hits)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
        other = np.empty(len(hits), bool)
        for half in (0, 1):
            here = ids % 2 == half
            other[~here] = hits[~here, int(hits[here].sum(axis=0).argmax())]
        held = estimate(other, clusters=clusters)
        facts = _facts(estimate(hits[:, place], clusters=clusters), total) | {"n": len(hits), "position": place}
        return facts | {"held_out": held.value, "held_out_interval": [held.low, held.high]}

    def _hits(self, top: int) -> np.ndarray:
        """(n, position) whether the right class was among the first `top`."""
        return np.unpackbits(np.concatenate(self._packed[top]), axis=1, count=self._positions).astype(bool)
