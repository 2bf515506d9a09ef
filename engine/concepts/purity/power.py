"""What the test of concept units can find at all: concepts that it never could, and how often it finds a unit of known AUROC.

Invariant: which concepts are left out never depends on a model.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch

from engine.concepts.purity.known_tags import Truth
from engine.concepts.purity.permutation import Concepts
from engine.core.discovery import FALSE

AUROCS = (0.7, 0.77, 0.85, 0.95)
TYPICAL = 0.77
"""The AUROC whose power is told in a sentence."""
NOMINAL, SINGLE = "auroc", "single"
"""What the columns of power begin with: at 5%, one unit tested for itself; and at the smallest p-value that there is, which a
single unit of a layer needs where few others of it pass."""
UNITS = 300
"""Planted for each size of concept and AUROC."""
USUAL_CUT = FALSE / 10
"""The cut of a layer in which a tenth of the units pass: what decides which concepts are looked for."""


def findable(truth: Truth) -> np.ndarray:
    """(T,) bool: the concepts worth looking for. Left out are those that even a unit with an AUROC of 0.95 would more often be
    missed for than found (most have three kinds), and those whose kinds can be exchanged for others of their subgroups in
    fewer than twenty ways: their look alone always does as well."""
    concepts = Concepts.of(truth.members)
    table = power(concepts, concepts.chance(), {NOMINAL: USUAL_CUT})
    found = dict(zip(table["kinds"], table[column(AUROCS[-1])] >= 0.5, strict=True))
    return np.array([found[size] for size in concepts.sizes], bool) & _exchangeable(truth)


def _exchangeable(truth: Truth) -> np.ndarray:
    likes = [f"{group}\n{subgroup}" for group, subgroup in zip(truth.groups, truth.subgroups, strict=True)]
    sizes = Counter(likes)
    ways = []
    for members in truth.members.T:
        taken = Counter(likes[kind] for kind in np.flatnonzero(members))
        ways.append(math.prod(math.comb(sizes[like], count) for like, count in taken.items()))
    return np.array(ways) >= round(1 / FALSE)


def power(concepts: Concepts, chance: np.ndarray, cuts: Mapping[str, float], seed: int = 0) -> pd.DataFrame:
    """How often the permutation test finds a planted unit: one row for each number of kinds that a concept has, with `concepts`
    (how many have it) and, for each of the named `cuts` and each AUROC among kinds of AUROCS, a column `NAME_<per cent>`.

    The unit's standing at a kind is normally distributed, and higher by as much as gives the AUROC at the concept's kinds.
    It is found where its best score over all concepts is that concept's and exceeds all but the share `cut` of
    `chance`, the rising best scores of random units. Kinds are exchanged freely for that: the test of likeness, within
    subgroups, is left out, and it finds fewer still.
    """
    draws = np.random.default_rng(seed)
    least = {name: float(np.quantile(chance, 1 - min(max(cut, 1 / len(chance)), FALSE))) for name, cut in cuts.items()}
    members = concepts.members
    rows = []
    for size in np.unique(concepts.sizes):
        tags = np.flatnonzero(concepts.sizes == size)
        row: dict[str, float] = {"kinds": int(size), "concepts": len(tags)}
        for auroc in AUROCS:
            tag = draws.choice(tags, UNITS)
            shift = math.sqrt(2) * float(torch.special.ndtri(torch.tensor(auroc, dtype=torch.float64)))
            values = draws.standard_normal((concepts.kinds, UNITS)) + shift * members[:, tag]
            apart = (values - values.mean(axis=0)) / values.std(axis=0)
            scores = concepts.scores(torch.special.ndtr(torch.from_numpy(apart)).numpy().astype(np.float32))
            right = scores.argmax(axis=0) == tag
            for name, score in least.items():
                row[column(auroc, name)] = float((right & (scores.max(axis=0) > score)).mean())
        rows.append(row)
    return pd.DataFrame(rows)


def column(auroc: float, name: str = NOMINAL) -> str:
    """The name of an AUROC's column, at one of the cuts."""
    return f"{name}_{round(100 * auroc)}"


def typical(table: pd.DataFrame, auroc: float, name: str = NOMINAL) -> float:
    """The power at one of AUROCS and one of the cuts, the mean over all concepts."""
    return float(np.average(table[column(auroc, name)], weights=table["concepts"]))
