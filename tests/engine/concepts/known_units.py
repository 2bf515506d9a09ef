"""240 kinds in which tags, colours and places are known, and units that follow one thing and nothing else."""

from __future__ import annotations

from functools import cache

import numpy as np

from engine.concepts.purity.confounds import control_basis
from engine.concepts.purity.known_tags import Truth
from engine.concepts.purity.measure import Reference

KINDS, SUBGROUPS = 240, 12
PLACES = ("sea", "sky", "grass", "room")


def truth() -> Truth:
    """Two scenes a kind: on its home place and on another one. 24 concepts across groups, and `alike`: six kinds of one
    subgroup and one kind of another group."""
    draws = np.random.default_rng(7)
    subgroup = np.arange(KINDS) % SUBGROUPS
    members = np.zeros((KINDS, 25), bool)
    for column, size in enumerate([3, 3, 3, 4, 4, 5, 6, 8] * 3):
        members[draws.choice(KINDS, size, replace=False), column] = True
    members[np.flatnonzero(subgroup == 5)[:6], 24] = True
    members[0, 24] = True
    kinds = np.repeat(np.arange(KINDS), 2)
    home = subgroup[kinds] % len(PLACES)
    away = (home + 1 + draws.integers(0, len(PLACES) - 1, len(kinds))) % len(PLACES)
    place = np.where(np.arange(len(kinds)) % 2 == 0, home, away)
    names = (*tuple((f"tag {column}",) for column in range(24)), ("alike",))
    return Truth(
        np.arange(len(kinds), dtype=np.int32),
        kinds.astype(np.int32),
        tuple(f"kind {number}" for number in range(KINDS)),
        tuple(f"group {number % 4}" for number in subgroup),
        tuple(f"subgroup {number}" for number in subgroup),
        tuple(PLACES[number] for number in place),
        tuple(name for name, in names),
        names,
        members,
    )  # fmt: skip


def colours(known: Truth) -> np.ndarray:
    """Objects have their kind's colour, pictures a mixture of it and of their place's colour; the light varies."""
    draws = np.random.default_rng(8)
    of_kinds, of_places = draws.random((KINDS, 3)), draws.random((len(PLACES), 3))
    light = draws.normal(1, 0.05, (len(known.kinds), 1))
    place = np.array([PLACES.index(name) for name in known.places])
    objects = of_kinds[known.kinds] * light
    return np.concatenate([objects, 0.3 * objects + 0.7 * of_places[place] * light], axis=1)


@cache
def reference() -> Reference:
    known = truth()
    return Reference.of(known, control_basis(known, colours(known)))


def noise(units: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(2 * KINDS, units))
