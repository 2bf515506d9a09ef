"""What one site's units are held to be: concept units, kind units, or neither; and the same in shuffled worlds.

Invariant: real tags and shuffled tags go through the same functions, so that a share can be put beside its baseline.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.concepts.purity.confounds import controlled, standing, within_places
from engine.concepts.purity.known_tags import Truth
from engine.concepts.purity.permutation import Concepts, shuffled, shuffled_within
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

WORLDS = 200
"""Of either sort."""
FIRST = 10
"""Of 200 worlds and one more, a unit is among the first 10 in 5% of cases."""


@dataclass(frozen=True)
class Ruler:
    """What all units of all sites are held against: the truth, the controls, and shuffled worlds of both sorts."""

    truth: Truth
    basis: np.ndarray
    concepts: Concepts
    shuffled: np.ndarray
    within: np.ndarray
    floor: float
    by_chance: float

    @classmethod
    def of(cls, truth: Truth, basis: np.ndarray, seed: int = 0) -> Ruler:
        """The same worlds for every model and site: that keeps what is compared comparable."""
        concepts = Concepts.of(truth.members)
        return cls(
            truth,
            basis,
            concepts,
            shuffled(len(truth.members), WORLDS, seed + 1),
            shuffled_within(truth, WORLDS, seed + 2),
            concepts.floor(seed),
            singled_out_by_chance(truth.kinds, seed),
        )


@dataclass(frozen=True)
class Measured:
    """U units against T concepts and K kinds.

    - `auroc`, `average_precision` (U, T): over scenes, of the activation as it is, before any control;
    - `tag` (U,): number of the best concept, by `score` (U,), the controlled score; `area` (U,): the controlled AUROC
      among kinds, strongest kind left out, of that concept;
    - `chance` (U,): p-value of the score in shuffled worlds, `concept` (U,) bool: it is at most 5%, and the
      score is above the floor, what 95 of 100 units at random reach; `likeness` (U,):
      p-value in worlds shuffled within subgroups, `beyond` (U,) bool: a concept unit, and that is at most 5% too:
      visual likeness is not enough;
    - `kind` (U,): number of the best kind, `kind_area` (U,) its AUROC over scenes and `kind_precision` (U,) its share
      of the scenes as strong as its weakest, controls taken out; `kind_unit` (U,) bool: that is at least half, and the
      unit is no concept unit;
    - `baseline`, `strict` (worlds,): share of units that would pass as concept units in each shuffled world of either
      sort.
    """

    auroc: np.ndarray
    average_precision: np.ndarray
    tag: np.ndarray
    score: np.ndarray
    area: np.ndarray
    chance: np.ndarray
    concept: np.ndarray
    likeness: np.ndarray
    beyond: np.ndarray
    kind: np.ndarray
    kind_area: np.ndarray
    kind_precision: np.ndarray
    kind_unit: np.ndarray
    baseline: np.ndarray
    strict: np.ndarray


def measure(activations: np.ndarray, ruler: Ruler, tell: Callable[[], None] = lambda: None) -> Measured:
    """Hold a site's units, activations (N, U) on the truth's scenes, against it. `tell` is called now and then."""
    truth, concepts = ruler.truth, ruler.concepts
    raw, units = activations.astype(np.float32), np.arange(activations.shape[1])
    means = kind_means(controlled(within_places(raw, truth.places), ruler.basis), truth.kinds)
    stands = standing(means)
    scores = concepts.scores(stands)
    tag, best = scores.argmax(axis=0), scores.max(axis=0)
    by_chance = concepts.best(stands, ruler.shuffled, tell)
    alike = concepts.best(stands, ruler.within, tell)
    chance, likeness = _p(by_chance, best), _p(alike, best)
    concept = _first(by_chance, best) & (best > ruler.floor)
    ranks, at_least = ranks_and_counts(raw)
    kind, kind_area, kind_precision = best_kinds(controlled(raw, ruler.basis), truth.kinds)
    return Measured(
        auroc(ranks, truth.matrix),
        average_precision(at_least, truth.matrix),
        tag,
        best,
        concepts.areas(mid_ranks(means))[tag, units],
        chance,
        concept,
        likeness,
        concept & _first(alike, best),
        kind,
        kind_area,
        kind_precision,
        (kind_precision >= SINGLED_OUT) & ~concept,
        # Among 200 worlds, a world is one of the first ten if it is above the eleventh: it does not compete with itself.
        ((by_chance > np.sort(by_chance, axis=0)[-FIRST - 1]) & (by_chance > ruler.floor)).mean(axis=1),
        (_first(by_chance, alike) & (alike > ruler.floor)).mean(axis=1),
    )


def _p(worlds: np.ndarray, best: np.ndarray) -> np.ndarray:
    """How often a world (worlds, U) reaches this best (U,), the real world counted in (Phipson and Smyth 2010)."""
    return (1 + (worlds >= best).sum(axis=0)) / (len(worlds) + 1)


def _first(worlds: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Whether this best (..., U) is among the first of it and these worlds: p is at most 5%."""
    return best > np.sort(worlds, axis=0)[-FIRST]
