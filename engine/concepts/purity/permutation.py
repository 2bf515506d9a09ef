"""Permutation tests: scores of units against concepts, and the same scores when kinds are permuted.

Invariant: kinds are permuted, tags are not. In every permutation each tag thus keeps its number of kinds and its overlap
with the other tags; in a permutation within subgroups, also its number of kinds of each subgroup.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from engine.concepts.purity.known_tags import Truth

STEPS = 4096
"""Resolution of a table over mean ranks from 0 to 1."""
EXACT = 64
"""For more kinds than this, the mean of their ranks is treated as normally distributed."""
_CELLS = 200  # of the unit interval, for the numerical convolution of rank distributions
_NODES = 120  # at which the strongest kind's rank is integrated over
_FLOOR = -690.0  # log of the smallest probability that is resolved


def tail_tables(sizes: Iterable[int]) -> dict[int, np.ndarray]:
    """For each number of kinds k >= 2 a table (STEPS + 1,): -log10 of the probability that, of k kinds at random places,
    the k - 1 kinds below the strongest one have a mean rank of at least i / STEPS, ranks being scaled to 0..1.

    Given the strongest at m, the others are uniform below m, so the probability is the integral over m of
    k m^(k-1) P(sum of k - 1 uniforms >= s / m) (Irwin 1927, Hall 1927); the distribution of the sum is computed by
    repeated convolution, without subtractions, so that it is accurate in the far tail as well. For more than EXACT kinds
    it is the normal distribution with the same mean and variance. This tail probability makes tags of different sizes
    comparable; significance is decided by permutations.
    """
    wanted = sorted(set(sizes))
    tables = {k: _normal(k) for k in wanted if k > EXACT}
    density, cell = np.ones(1), np.full(_CELLS, 1 / _CELLS)
    for n in range(1, min(max(wanted, default=0), EXACT)):
        density = np.convolve(density, cell)
        if n + 1 in wanted:
            tables[n + 1] = _integrated(n + 1, density)
    return tables


def _integrated(k: int, density: np.ndarray) -> np.ndarray:
    """The table from the distribution of the sum of k - 1 uniforms in cells."""
    n = k - 1
    with np.errstate(divide="ignore"):
        tail = np.log(np.cumsum(density[::-1])[::-1])
    edges = np.arange(len(density)) / _CELLS + n / (2 * _CELLS) - 1 / (2 * _CELLS)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    sums = np.linspace(0, n, STEPS + 1)
    chance = np.zeros(len(sums))
    for strongest, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        log = np.interp(sums / strongest, edges, tail, left=0.0, right=_FLOOR)
        chance += weight * k * strongest ** (k - 1) * np.exp(np.maximum(log, _FLOOR))
    beyond = (1 - sums / n) ** k  # all k above the required mean: a lower bound where a cell is too coarse
    return _monotone(np.maximum(chance, beyond))


def _normal(k: int) -> np.ndarray:
    """The sum of k - 1 below the strongest of k uniforms: mean k/2 - k/(k+1), variance k/12 - k Var(strongest)."""
    mean = k / 2 - k / (k + 1)
    spread = math.sqrt(k / 12 - k * k / ((k + 1) ** 2 * (k + 2)))
    sums = np.linspace(0, k - 1, STEPS + 1)
    return _monotone(np.array([math.erfc((one - mean) / spread / math.sqrt(2)) / 2 for one in sums]))


def _monotone(chance: np.ndarray) -> np.ndarray:
    return np.maximum.accumulate(-np.log10(np.clip(chance, 1e-299, 1.0)))


FLOOR_UNITS = 10_000
ENOUGH = 30
"""Permutations that reach a unit's score, after which its tail probability is known well enough."""
TOGETHER = 100
"""Permutations between two looks at which units are still in question."""
PAIRS = 1024
"""Of a permutation and a unit that passes under it, scored at once."""


@dataclass(frozen=True)
class Concepts:
    """The tags arranged for scoring all units at once: sorted by size, so that their first kinds, then their second kinds
    and so on can be summed row by row."""

    members: np.ndarray  # (K, T) bool
    order: np.ndarray  # (T,) the tags, those with the most kinds first
    columns: tuple[np.ndarray, ...]  # the i-th: the i-th kind of every tag that has that many
    sizes: np.ndarray  # (T,) kinds of each tag
    tables: np.ndarray  # tail probability tables of all sizes, concatenated
    offsets: np.ndarray  # (T,) where the table for each tag's size begins

    @classmethod
    def of(cls, members: np.ndarray) -> Concepts:
        """From members (K, T) bool."""
        sizes = members.sum(axis=0)
        order = np.argsort(-sizes, kind="stable")
        kinds = [np.flatnonzero(members[:, tag]) for tag in order]
        columns = tuple(np.array([own[at] for own in kinds if len(own) > at]) for at in range(int(sizes.max())))
        by_size = tail_tables(int(size) for size in sizes)
        places = {size: number * (STEPS + 1) for number, size in enumerate(by_size)}
        tables = np.concatenate([*by_size.values()]).astype(np.float32)
        return cls(members, order, columns, sizes, tables, np.array([places[int(size)] for size in sizes]))

    @property
    def kinds(self) -> int:
        """How many kinds there are."""
        return len(self.members)

    def without_strongest(self, values: np.ndarray, permutation: np.ndarray | None = None) -> np.ndarray:
        """Mean (T, U) over each tag's kinds but the strongest, from values of kinds (K, U).

        `permutation` (K,) gives the kind that takes each kind's place; None leaves the tags as they are.
        """
        first = self.columns[0] if permutation is None else permutation[self.columns[0]]
        sums, strongest = values[first], values[first]
        for column in self.columns[1:]:
            rows = values[column if permutation is None else permutation[column]]
            sums[: len(rows)] += rows
            np.maximum(strongest[: len(rows)], rows, out=strongest[: len(rows)])
        sums -= strongest
        sums /= (self.sizes[self.order] - 1).astype(values.dtype)[:, None]
        in_order = np.empty_like(sums)
        in_order[self.order] = sums
        return in_order

    def scores(self, stands: np.ndarray, permutation: np.ndarray | None = None) -> np.ndarray:
        """-log10 of the tail probability (T, U) of the kinds' standings (K, U)."""
        steps = np.rint(self.without_strongest(stands, permutation) * STEPS).astype(np.intp)
        return self.tables[np.clip(steps, 0, STEPS, out=steps) + self.offsets[:, None]]

    def areas(self, ranks: np.ndarray) -> np.ndarray:
        """AUROC (T, U) among kinds, without each tag's strongest kind, from ranks (K, U): how often a kind with the
        tag ranks above one without."""
        sizes = self.sizes[:, None]
        return (self.without_strongest(ranks.astype(np.float64)) - sizes / 2) / (self.kinds - sizes)

    def chance(self, seed: int = 0) -> np.ndarray:
        """The best scores over all tags of units with uniformly random standings, FLOOR_UNITS of them, rising."""
        draws = np.random.default_rng(seed)
        best = [
            self.scores(draws.random((self.kinds, 500), np.float32)).max(axis=0) for _ in range(0, FLOOR_UNITS, 500)
        ]
        return np.sort(np.concatenate(best))

    def best(self, stands: np.ndarray, permutations: np.ndarray, tell: Callable[[], None] = lambda: None) -> np.ndarray:
        """Every unit's best score over the tags under each permutation (P, K): (P, U) float32. `tell` reports progress."""
        strongest = np.empty((len(permutations), stands.shape[1]), np.float32)
        for number, permutation in enumerate(permutations):
            strongest[number] = self.scores(stands, permutation).max(axis=0)
            if number % 50 == 0:
                tell()
        return strongest

    def followed(self, stands: np.ndarray, permutations: np.ndarray, passed: np.ndarray) -> np.ndarray:
        """(P, T): how many of the units that `passed` (P, U) bool under each of the first P permutations (..., K) have each
        tag as their best there."""
        rows, units = np.nonzero(passed)
        counts = np.zeros((len(passed), len(self.sizes)), np.int64)
        for start in range(0, len(rows), PAIRS):
            row, unit = rows[start : start + PAIRS], units[start : start + PAIRS]
            best = self.scores(stands[permutations[row].T, unit]).argmax(axis=0)
            np.add.at(counts, (row, best), 1)
        return counts


def tail(
    concepts: Concepts,
    stands: np.ndarray,
    best: np.ndarray,
    first: np.ndarray,
    more: np.ndarray,
    tell: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """(U,): tail probability of the best scores (U,) under permutations, themselves included (Phipson and Smyth 2010).

    `first` (P, U) are the best scores under the first permutations; units that fewer than ENOUGH of them reach go through
    `more` (Q, K), each until ENOUGH have reached it (Besag and Clifford 1991).
    """
    reached, tried = (first >= best).sum(axis=0), np.full(len(best), len(first))
    for start in range(0, len(more), TOGETHER):
        active = np.flatnonzero(reached < ENOUGH)
        if not len(active):
            break
        part = more[start : start + TOGETHER]
        reached[active] += (concepts.best(stands[:, active], part) >= best[active]).sum(axis=0)
        tried[active] += len(part)
        tell()
    return (1 + reached) / (1 + tried)


def permuted(kinds: int, count: int, seed: int) -> np.ndarray:
    """Permutations (count, K) of all kinds."""
    return np.random.default_rng(seed).permuted(np.tile(np.arange(kinds), (count, 1)), axis=1)


def permuted_within(truth: Truth, count: int, seed: int) -> np.ndarray:
    """Permutations (count, K) of kinds within their group and subgroup only, so that visual similarity is preserved."""
    draws, permutations = np.random.default_rng(seed), np.tile(np.arange(len(truth.groups)), (count, 1))
    likes = np.array([f"{group}\n{subgroup}" for group, subgroup in zip(truth.groups, truth.subgroups, strict=True)])
    for like in np.unique(likes):
        alike = np.flatnonzero(likes == like)
        permutations[:, alike] = draws.permuted(permutations[:, alike], axis=1)
    return permutations
