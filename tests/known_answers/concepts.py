"""Planted effects for names and concepts: units that follow a word as closely as we say, and layers with a known share of
concept units; and units that mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from engine.concepts.halves import Halves, directions, halves, shuffled
from engine.concepts.naming import DIRECTIONS, SHUFFLED, TWIN, Search, name_units
from engine.concepts.purity.compare import difference
from engine.concepts.purity.measure import PERMUTATIONS, Reference, measure
from engine.concepts.purity.shares import HEADLINE, shares
from engine.sites.access import Site
from engine.sites.grid import Grid
from tests.engine.concepts.known_units import noise, reference
from tests.engine.contexts import Notebook
from tests.known_answers.planted import Measured, Planted

KINDS, EACH, WORDS = 120, 4, 30
UNITS, FOLLOWING, MEMBERS = 40, 8, 200
CLOSE = 0.8
"""Correlation of a unit with how well its word fits."""
LAYER, CONCEPT_UNITS = 40, 8
GROUP, CONCEPTS, STRENGTH = 4, 24, 1.5
FAR = 1_000_000
"""Seeds from here on are no draw's."""


def by_kind(draws: np.random.Generator, columns: int) -> np.ndarray:
    """(images, columns) from a standard normal distribution, half of whose variance the images of a kind share."""
    shared = np.repeat(draws.standard_normal((KINDS, columns)), EACH, axis=0)
    return np.sqrt(0.5) * (shared + draws.standard_normal(shared.shape))


def named(seed: int, following: int) -> tuple[dict[str, np.ndarray], dict, np.ndarray]:
    """A layer whose first units follow one word each and whose others mean nothing: arrays and facts of its naming, and the
    word that each of the first ones follows."""
    draws = np.random.default_rng([seed, following])
    fits = by_kind(draws, WORDS)
    words = np.arange(following) % WORDS
    units = by_kind(draws, UNITS)
    relative = (fits - fits.mean(axis=1, keepdims=True)) / np.sqrt(1 - 1 / WORDS)
    units[:, :following] = CLOSE * relative[:, words] + np.sqrt(1 - CLOSE**2) * units[:, :following]
    split = halves(np.repeat(np.arange(KINDS), EACH))
    search = Search("soft-wpmi", fits.astype(np.float32), np.eye(WORDS, dtype=np.float32), 1.0, split)
    return *name_units(search, units.astype(np.float32), nulls(units, split, draws), 3, Notebook()), words


def nulls(units: np.ndarray, split: Halves, draws: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        TWIN: by_kind(draws, MEMBERS).astype(np.float32),
        DIRECTIONS: directions(units, MEMBERS),
        SHUFFLED: shuffled(units, split, MEMBERS),
    }


@cache
def true_auroc() -> float:
    """How often the word of a unit that follows it fits one of the strongest tenth of all images better than another one."""
    draws = np.random.default_rng(0)
    fit = draws.standard_normal(2_000_000)
    unit = CLOSE * fit + np.sqrt(1 - CLOSE**2) * draws.standard_normal(len(fit))
    strong = unit > np.quantile(unit, 0.9)
    others = np.sort(fit[~strong])
    return float(np.searchsorted(others, fit[strong]).mean() / len(others))


def a_name(seed: int) -> Measured:
    arrays, _, words = named(seed, FOLLOWING)
    seen = bool(not arrays["abstained"][0] and arrays["words"][0, 0] == words[0])
    return Measured(*(float(arrays[name][0]) for name in ("held_out", "low", "high")), seen)


def no_name(seed: int) -> Measured:
    """Of a layer in which no unit means anything: seen, where any of them has a name."""
    arrays, _, _ = named(seed, 0)
    return Measured(*(float(arrays[name][0]) for name in ("held_out", "low", "high")), not arrays["abstained"].all())


@cache
def quick() -> Reference:
    """With as few permutations as a layer of LAYER units needs."""
    known = reference()
    return replace(known, permutations=known.permutations[:PERMUTATIONS], within=known.within[:PERMUTATIONS])


def pooled(values: np.ndarray) -> tuple[Mapping[Any, Any], bool]:
    """The row of a layer with these activations (scenes, units), and whether any of its units is called a concept unit."""
    found = measure(values.astype(np.float32), quick())
    tables = shares([Site("layer", values.shape[1], Grid(1, 1), 0, "mlp.hidden", "")], [found])
    return tables["overall"].to_dict("records")[0], bool(found.concept.any())


def alike_in_groups(seed: int, follow: float, together: bool = False) -> np.ndarray:
    """Activations (scenes, units) of a layer in groups of GROUP units that share half of their variance. Each unit follows a
    concept of its own with probability `follow`; with `together` a whole group does, all its units the same one."""
    draws = np.random.default_rng([5, seed])
    members = quick().truth.matrix[:, :CONCEPTS]
    shared = draws.normal(size=(len(members), LAYER // GROUP)).repeat(GROUP, axis=1)
    values = np.sqrt(0.5) * (shared + draws.normal(size=(len(members), LAYER)))
    count, each = (LAYER // GROUP, GROUP) if together else (LAYER, 1)
    follows, concept = draws.random(count) < follow, draws.integers(CONCEPTS, size=count)
    return values + STRENGTH * (follows * members[:, concept]).repeat(each, axis=1)


def beyond(follow: float, together: bool = False):
    """The share of units beyond likeness, seen where its interval is above what shuffled tags give."""

    def draw(seed: int) -> Measured:
        row, _ = pooled(alike_in_groups(seed, follow, together))
        value, low, high = (float(row[f"{HEADLINE}{end}"]) for end in ("", "_low", "_high"))
        return Measured(value, low, high, low > row["shuffled"])

    return draw


def beyond_apart(one: float, other: float):
    """The difference between two such shares."""

    def draw(seed: int) -> Measured:
        rows = [pooled(alike_in_groups(2 * seed + place, share))[0] for place, share in enumerate((one, other))]
        value, low, high = difference(rows[0], rows[1])
        return Measured(value, low, high, low > 0 or high < 0)

    return draw


def beyond_of(follow: float, draws: int, together: bool = False) -> float:
    """The share beyond likeness over so many layers that are no draw's."""
    made = [pooled(alike_in_groups(FAR + seed, follow, together))[0][HEADLINE] for seed in range(draws)]
    return float(np.mean(made))


def concept_units(values: np.ndarray) -> Measured:
    row, seen = pooled(values)
    return Measured(*(float(row[f"concept_units{end}"]) for end in ("", "_low", "_high")), seen)


def a_fifth(seed: int) -> Measured:
    values = noise(LAYER, seed + 100)
    values[:, :CONCEPT_UNITS] += 4.0 * quick().truth.matrix[:, 3 : 3 + CONCEPT_UNITS]
    return concept_units(values)


def alike(seed: int) -> Measured:
    """Every unit fires for all kinds of one subgroup: what looks alike, and nothing that other kinds share."""
    draws = np.random.default_rng([seed, 1])
    like = np.array(quick().truth.subgroups)[quick().truth.kinds]
    values = noise(LAYER, seed + 100)
    values += 3.0 * (like[:, None] == draws.choice(np.unique(like), LAYER))
    return concept_units(values)


BEYOND = {0.2: 0.163, 0.3: 0.225, 0.5: 0.349}
"""Share of units that pass as beyond likeness where so many follow a concept, over 400 draws of their own: some that follow are
missed, some that follow nothing pass."""
CASES = [
    Planted(
        "name-units",
        f"{FOLLOWING} of {UNITS} units follow a word (correlation {CLOSE}), the others nothing; AUROC on the held-out half",
        true_auroc(),
        a_name,
        no_name,
        0.5,
    ),
    Planted(
        "purity",
        f"{CONCEPT_UNITS} of {LAYER} units follow a concept; null: all follow the look of one subgroup",
        CONCEPT_UNITS / LAYER,
        a_fifth,
        alike,
    ),
    Planted(
        "purity",
        "units beyond likeness: 30% of units that are alike in fours follow a concept of their own; null: none does",
        BEYOND[0.3],
        beyond(0.3),
        beyond(0.0),
    ),
    Planted(
        "purity",
        "two models' units beyond likeness: 50% and 20% follow a concept; null: 30% in both",
        BEYOND[0.5] - BEYOND[0.2],
        beyond_apart(0.5, 0.2),
        beyond_apart(0.3, 0.3),
    ),
    Planted(
        "purity",
        "units beyond likeness: as above, but all four that are alike follow the same concept",
        BEYOND[0.3],
        beyond(0.3, together=True),
        beyond(0.0),
    ),
]
