"""Units that single one kind out: what a concept unit must not be.

Invariant: scenes are compared, not kinds: a kind is singled out only if all of its scenes are.
"""

from __future__ import annotations

import numpy as np

from engine.concepts.ranking import ranks_and_counts

SINGLED_OUT = 0.5
"""A unit singles a kind out if at least so many of the scenes as strong as that kind's weakest are of that kind."""


def best_kinds(values: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each unit, from values (N, U) on scenes of these kinds (N,): the kind with the highest AUROC (U,), that AUROC
    (U,), and the share (U,) that it has among all scenes at least as strong as its weakest one: 1 where no other scene
    comes between."""
    units = np.arange(values.shape[1])
    order, counts, starts = _by_kind(kinds)
    ranks, at_least = ranks_and_counts(values)
    sums = np.add.reduceat(ranks[order], starts, axis=0)
    areas = (sums - (counts * (counts + 1) / 2)[:, None]) / (counts * (len(kinds) - counts))[:, None]
    best = areas.argmax(axis=0)
    reached = np.maximum.reduceat(at_least[order], starts, axis=0)
    return best, areas[best, units], counts[best] / reached[best, units]


def singled_out_by_chance(kinds: np.ndarray, seed: int = 0, rounds: int = 1000) -> float:
    """How often a unit that puts the scenes (N,) in a random order singles out its best kind."""
    values = np.random.default_rng(seed).random((len(kinds), rounds), np.float32)
    return float((best_kinds(values, kinds)[2] >= SINGLED_OUT).mean())


def kind_means(values: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """(K, U): the mean of values (N, U) over each kind's scenes."""
    order, counts, starts = _by_kind(kinds)
    return np.add.reduceat(values[order], starts, axis=0) / counts[:, None]


def _by_kind(kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The scenes kind by kind, how many each has, and where each begins."""
    counts = np.bincount(kinds)
    return np.argsort(kinds, kind="stable"), counts, np.concatenate([[0], np.cumsum(counts)[:-1]])
