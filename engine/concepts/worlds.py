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

FLOOR_UNITS = 10_000


@dataclass(frozen=True)
class Concepts:
    """The tags in a form in which all units are scored at once: sorted by size, so that their first kinds, then their second
    kinds and so on are added up row by row."""

    kinds: int
    order: np.ndarray  # (T,) the tags, those of the most kinds first
    columns: tuple[np.ndarray, ...]  # the i-th: the i-th kind of every tag that has so many
    sizes: np.ndarray  # (T,) kinds of each tag
    tables: np.ndarray  # the yardsticks of all sizes, one after the other
    offsets: np.ndarray  # (T,) where the yardstick of each tag's size begins

    @classmethod
    def of(cls, members: np.ndarray) -> Concepts:
        """From members (K, T) bool."""
        sizes = members.sum(axis=0)
        order = np.argsort(-sizes, kind="stable")
        kinds = [np.flatnonzero(members[:, tag]) for tag in order]
        columns = tuple(np.array([own[at] for own in kinds if len(own) > at]) for at in range(int(sizes.max())))
        by_size = yardstick(int(size) for size in sizes)
        places = {size: number * (STEPS + 1) for number, size in enumerate(by_size)}
        tables = np.concatenate([*by_size.values()]).astype(np.float32)
        return cls(len(members), order, columns, sizes, tables, np.array([places[int(size)] for size in sizes]))

    def without_strongest(self, values: np.ndarray, world: np.ndarray | None = None) -> np.ndarray:
        """Mean (T, U) over each tag's kinds but the strongest, from values of kinds (K, U).

        `world` (K,) says which kind stands in for which; None is the real world.
        """
        first = self.columns[0] if world is None else world[self.columns[0]]
        sums, strongest = values[first], values[first]
        for column in self.columns[1:]:
            rows = values[column if world is None else world[column]]
            sums[: len(rows)] += rows
            np.maximum(strongest[: len(rows)], rows, out=strongest[: len(rows)])
        sums -= strongest
        sums /= (self.sizes[self.order] - 1).astype(values.dtype)[:, None]
        found = np.empty_like(sums)
        found[self.order] = sums
        return found

    def scores(self, stands: np.ndarray, world: np.ndarray | None = None) -> np.ndarray:
        """Surprise (T, U), by the yardstick, at where the kinds stand (K, U): -log10 of a probability."""
        steps = np.rint(self.without_strongest(stands, world) * STEPS).astype(np.intp)
        return self.tables[np.clip(steps, 0, STEPS, out=steps) + self.offsets[:, None]]

    def areas(self, ranks: np.ndarray) -> np.ndarray:
        """AUROC (T, U) among kinds, each tag's strongest left out, from ranks (K, U): how often a kind with the tag stands
        above one without."""
        sizes = self.sizes[:, None]
        return (self.without_strongest(ranks.astype(np.float64)) - sizes / 2) / (self.kinds - sizes)

    def floor(self, seed: int = 0) -> float:
        """What the best score over all tags stays below in 95 of 100 units whose kinds stand anywhere, all places alike."""
        draws = np.random.default_rng(seed)
        best = [
            self.scores(draws.random((self.kinds, 500), np.float32)).max(axis=0) for _ in range(0, FLOOR_UNITS, 500)
        ]
        return float(np.quantile(np.concatenate(best), 0.95))

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
