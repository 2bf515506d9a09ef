"""Right and wrong answers while images stream by: one byte an image and condition, and sums for single positions."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.core.statistics import bootstrap_interval, paired_difference, wilson

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

    def accuracy(self, condition: str, against: str | None = None) -> dict[str, Any]:
        """top1, top5, n, interval and interval5 (Wilson, 95%); with `against`, the paired difference of top1 too."""
        first, five = self.hits(condition), self.hits(condition, TOP)
        n = len(first)
        facts = {
            "top1": float(first.mean()),
            "top5": float(five.mean()),
            "n": n,
            "interval": list(wilson(int(first.sum()), n)),
            "interval5": list(wilson(int(five.sum()), n)),
        }
        if against is not None:
            difference, low, high = paired_difference(first, self.hits(against))
            facts |= {"difference": difference, "difference_interval": [low, high]}
        return facts


class Positions:
    """The head on every single position: how often each is right, and how many are on each image."""

    def __init__(self, positions: int) -> None:
        # Two halves of the images: the best position of one is scored on the other.
        self._right = np.zeros((2, 2, positions), np.int64)
        self._images = np.zeros(2, np.int64)
        self._means: list[np.ndarray] = []

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Logits (B, position, classes)."""
        higher = ranks(logits, labels).cpu().numpy()
        hits = np.stack([higher < 1, higher < TOP], axis=1)
        self._means.append(hits.mean(axis=2))
        first = int(self._images.sum())
        for row, each in enumerate(hits):
            self._right[(first + row) % 2] += each
            self._images[(first + row) % 2] += 1

    def map(self) -> np.ndarray:
        """(2, position): share of images answered rightly from each position, top1 and top5."""
        return self._right.sum(axis=0) / self._images.sum()

    def average(self) -> dict[str, Any]:
        """Mean over positions (paper: Patch Average); the interval is over images (bootstrap)."""
        means = np.concatenate(self._means)
        five, one = bootstrap_interval(means[:, 1]), bootstrap_interval(means[:, 0])
        top1, top5 = map(float, means.mean(axis=0))
        return {"top1": top1, "top5": top5, "n": len(means), "interval": [*one], "interval5": [*five]}

    def maximum(self) -> dict[str, Any]:
        """The best position (paper: Patch Maximum), each of top1 and top5 its own. `held_out` is what the best position
        of either half of the images reaches on the other half: free of the choice."""
        n, right = int(self._images.sum()), self._right.sum(axis=0)
        best = right.max(axis=1)
        crossed = sum(int(self._right[1 - half, 0, int(self._right[half, 0].argmax())]) for half in (0, 1))
        return {
            "top1": float(best[0] / n),
            "top5": float(best[1] / n),
            "n": n,
            "interval": list(wilson(int(best[0]), n)),
            "interval5": list(wilson(int(best[1]), n)),
            "position": int(right[0].argmax()),
            "held_out": crossed / n,
        }
