"""Classifies one site's units as concept units, kind units or neither, and does the same under permutations.

Invariant: real and permuted tags go through the same functions, so that a share is comparable with its baseline.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.concepts.purity.confounds import controlled, standing, within_places
from engine.concepts.purity.known_tags import Truth
from engine.concepts.purity.permutation import Concepts, permuted, permuted_within, tail
from engine.concepts.purity.ranking import (
    SINGLED_OUT,
    auroc,
    average_precision,
    best_kinds,
    kind_means,
    mid_ranks,
    ranks_and_counts,
    singled_out_by_chance,
)
from engine.core.discovery import FALSE, cut

PERMUTATIONS = 200
"""Of either type, for all units; those that may be discoveries are held against MORE."""
MORE = 800
FIRST = 10
"""Under the null hypothesis, a unit is among the first 10 of 200 permutations and itself in 5% of cases."""


@dataclass(frozen=True)
class Reference:
    """What all units of all sites are compared with: the known tags, the controls, and both types of permutations."""

    truth: Truth
    basis: np.ndarray
    concepts: Concepts
    permutations: np.ndarray
    within: np.ndarray
    chance: np.ndarray  # best scores of random units, rising
    by_chance: float

    @classmethod
    def of(cls, truth: Truth, basis: np.ndarray, seed: int = 0) -> Reference:
        """The same permutations for every model and site, so that comparisons are paired."""
        concepts = Concepts.of(truth.members)
        return cls(
            truth,
            basis,
            concepts,
            permuted(len(truth.members), PERMUTATIONS + MORE, seed + 1),
            permuted_within(truth, PERMUTATIONS + MORE, seed + 2),
            concepts.chance(seed),
            singled_out_by_chance(truth.kinds, seed),
        )

    @property
    def floor(self) -> float:
        """The 95th percentile of the best scores of random units."""
        return float(np.quantile(self.chance, 0.95))


@dataclass(frozen=True)
class Measured:
    """U units against T concepts and K kinds.

    - `auroc`, `average_precision` (U, T): over scenes, of the raw activation, before any control;
    - `tag` (U,): index of the best concept, by `score` (U,), the controlled score; `area` (U,): the controlled AUROC
      among kinds, without the strongest kind, of that concept;
    - `chance` (U,): tail probability of the score when kinds are permuted; `nominal` (U,) bool: it is at most 5%, and the
      score exceeds the floor, the 95th percentile of random units; `likeness` (U,): tail probability when kinds are permuted
      within subgroups only (1 for a unit whose `chance` is above 5%); `beyond` (U,) bool: both are at most 5%, and the
      score exceeds the floor; `concept` (U,) bool: of those, the discoveries at a false discovery rate of 5% over these
      units, by the larger of the two probabilities;
    - `kind` (U,): index of the best kind, `kind_area` (U,) its AUROC over scenes and `kind_precision` (U,) its share
      of the scenes at least as strong as its weakest, both after controls; `kind_unit` (U,) bool: that share is at least
      half, and the unit is not a concept unit;
    - `baseline`, `strict` (P,): share of units that would be nominal under each permutation of either type; `shuffled` (P,):
      share that would be beyond likeness when kinds are permuted within subgroups; `by_tag` (P, T): how many of these units
      have each concept as their best;
    - `standings` (K, U) float32: each kind's standing for each unit.
    """

    auroc: np.ndarray
    average_precision: np.ndarray
    tag: np.ndarray
    score: np.ndarray
    area: np.ndarray
    chance: np.ndarray
    nominal: np.ndarray
    likeness: np.ndarray
    beyond: np.ndarray
    concept: np.ndarray
    kind: np.ndarray
    kind_area: np.ndarray
    kind_precision: np.ndarray
    kind_unit: np.ndarray
    baseline: np.ndarray
    strict: np.ndarray
    shuffled: np.ndarray
    by_tag: np.ndarray
    standings: np.ndarray


def measure(activations: np.ndarray, reference: Reference, tell: Callable[[], None] = lambda: None) -> Measured:
    """Compare a site's units, activations (N, U) on the known scenes, with the reference. `tell` reports progress."""
    truth, concepts = reference.truth, reference.concepts
    raw, units = activations.astype(np.float32), np.arange(activations.shape[1])
    means = kind_means(controlled(within_places(raw, truth.places), reference.basis), truth.kinds)
    stands = standing(means)
    scores = concepts.scores(stands)
    tag, best = scores.argmax(axis=0), scores.max(axis=0)
    by_chance = concepts.best(stands, reference.permutations[:PERMUTATIONS], tell)
    alike = concepts.best(stands, reference.within[:PERMUTATIONS], tell)
    high = best > reference.floor
    chance = tail(concepts, stands, best, by_chance, reference.permutations[PERMUTATIONS:], tell)
    likeness, near = np.ones(len(best)), np.flatnonzero((chance <= FALSE) & high)
    likeness[near] = tail(concepts, stands[:, near], best[near], alike[:, near], reference.within[PERMUTATIONS:], tell)
    p = np.where(high, np.maximum(chance, likeness), 1.0)
    concept = p <= cut(p)
    passed = _among(alike) & _first(by_chance, alike) & (alike > reference.floor)
    ranks, at_least = ranks_and_counts(raw)
    kind, kind_area, kind_precision = best_kinds(controlled(raw, reference.basis), truth.kinds)
    return Measured(
        auroc(ranks, truth.matrix),
        average_precision(at_least, truth.matrix),
        tag,
        best,
        concepts.areas(mid_ranks(means))[tag, units],
        chance,
        (chance <= FALSE) & high,
        likeness,
        p <= FALSE,
        concept,
        kind,
        kind_area,
        kind_precision,
        (kind_precision >= SINGLED_OUT) & ~concept,
        (_among(by_chance) & (by_chance > reference.floor)).mean(axis=1),
        (_first(by_chance, alike) & (alike > reference.floor)).mean(axis=1),
        passed.mean(axis=1),
        concepts.followed(stands, reference.within, passed),
        stands,
    )


def _among(permuted: np.ndarray) -> np.ndarray:
    """Whether each of the best scores under permutations (P, U) is among the first ten of the others: exceeds the eleventh, for
    it is not compared with itself."""
    return permuted > np.sort(permuted, axis=0)[-FIRST - 1]


def _first(permuted: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Whether the tail probability of the best scores (..., U) among those of permutations (P, U) is at most 5%."""
    return best > np.sort(permuted, axis=0)[-FIRST]
