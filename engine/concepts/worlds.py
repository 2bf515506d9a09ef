"""Shuffled worlds: what units would look like against tags that mean nothing.

Invariant: kinds change places, tags do not. So in every world each tag has as many kinds as it really has, and overlaps
the other tags as it really does; in a world shuffled within subgroups, each tag keeps its number of kinds of each
subgroup.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.concepts.truth import Truth
from engine.concepts.yardstick import STEPS, yardstick


@dataclass(frozen=True)
class Concepts:
    """The tags in a form in which all units are scored at once: each tag's kinds one after the other."""

    kinds: int
    flat: np.ndarray  # (memberships,) kinds, tag by tag
    starts: np.ndarray  # (T,) where each tag begins in `flat`
    sizes: np.ndarray  # (T,) kinds of each tag
    tables: np.ndarray  # (T, STEPS + 1): the yardstick of each tag's size

    @classmethod
    def of(cls, members: np.ndarray) -> Concepts:
        """From members (K, T) bool."""
        sizes = members.sum(axis=0)
        by_size = yardstick(int(size) for size in sizes)
        tables = np.stack([by_size[int(size)] for size in sizes]).astype(np.float32)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        return cls(len(members), np.nonzero(members.T)[1], starts, sizes, tables)

    def without_strongest(self, values: np.ndarray, world: np.ndarray | None = None) -> np.ndarray:
        """Mean (T, U) over each tag's kinds but the strongest, from values of kinds (K, U).

        `world` (K,) says which kind stands in for which; None is the real world.
        """
        gathered = values[self.flat if world is None else world[self.flat]]
        sums = np.add.reduceat(gathered, self.starts, axis=0)
        strongest = np.maximum.reduceat(gathered, self.starts, axis=0)
        return (sums - strongest) / (self.sizes - 1).astype(values.dtype)[:, None]

    def scores(self, stands: np.ndarray, world: np.ndarray | None = None) -> np.ndarray:
        """Surprise (T, U), by the yardstick, at where the kinds stand (K, U): -log10 of a probability."""
        columns = np.clip((self.without_strongest(stands, world) * STEPS).round(), 0, STEPS).astype(np.int32)
        return np.take_along_axis(self.tables, columns, axis=1)

    def areas(self, ranks: np.ndarray) -> np.ndarray:
        """AUROC (T, U) among kinds, each tag's strongest left out, from ranks (K, U): how often a kind with the tag stands
        above one without."""
        sizes = self.sizes[:, None]
        return (self.without_strongest(ranks.astype(np.float64)) - sizes / 2) / (self.kinds - sizes)

    def best(self, stands: np.ndarray, worlds: np.ndarray, tell: Callable[[], None] = lambda: None) -> np.ndarray:
        """Every unit's best score over the tags in each of these worlds: (worlds, U) float32. `tell` is called now and then."""
        found = np.empty((len(worlds), stands.shape[1]), np.float32)
        for number, world in enumerate(worlds):
            found[number] = self.scores(stands, world).max(axis=0)
            if number % 50 == 0:
                tell()
        return found


def shuffled(kinds: int, count: int, seed: int) -> np.ndarray:
    """Worlds (count, K) in which any kind may stand in for any other."""
    return np.random.default_rng(seed).permuted(np.tile(np.arange(kinds), (count, 1)), axis=1)


def shuffled_within(truth: Truth, count: int, seed: int) -> np.ndarray:
    """Worlds (count, K) in which a kind stands in for one of its own group and subgroup only: what looks alike stays."""
    draws, worlds = np.random.default_rng(seed), np.tile(np.arange(len(truth.groups)), (count, 1))
    likes = np.array([f"{group}\n{subgroup}" for group, subgroup in zip(truth.groups, truth.subgroups, strict=True)])
    for like in np.unique(likes):
        alike = np.flatnonzero(likes == like)
        worlds[:, alike] = draws.permuted(worlds[:, alike], axis=1)
    return worlds
