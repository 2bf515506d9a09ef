"""Positions: maps that mark an object so well, tokens that hold so much of their place, attention that is worth so many
answers, maps that move along so far. What a network would give is drawn with known sizes and handed to the experiments'
own tallies; images come in pairs of a matched set that share what was drawn for the set."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine.sites.access import Site
from engine.sites.grid import Grid
from engine.spatial import moves
from engine.spatial.accuracy import Answers, Positions
from engine.spatial.depth import Layer
from engine.spatial.images import Batch
from engine.spatial.resamples import weights_of
from engine.spatial.tally import Tally
from tests.known_answers.planted import Measured, Planted

SIDE = 6
SETS = 60
PLACES = SIDE * SIDE


def shared(seed: int, values: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """(which set each of 2 * SETS images belongs to, a value of these drawn for its set, further draws)."""
    draws = np.random.default_rng(seed)
    sets = np.repeat(np.arange(SETS), 2)
    return sets, draws.choice(values, SETS)[sets], draws


def layer(units: int, width: int) -> tuple[Site, Layer]:
    grid = Grid(SIDE, SIDE)
    entry, tokens, maps = (
        Site(name, size, grid, 0, "residual", name)
        for name, size in (("entry", width), ("tokens", width), ("maps", units))
    )
    return entry, Layer(tokens, maps)


def told(sets: np.ndarray, draws: np.random.Generator, **values: np.ndarray) -> dict[str, float]:
    """The row of the table of curves for what entered the first block, tokens and maps (n, position, unit)."""
    count = len(sets)
    given = {name: draws.normal(size=(count, PLACES, 2)) for name in ("entry", "tokens", "maps")} | values
    masks = given.pop("masks", np.zeros((count, PLACES)))
    masks = torch.from_numpy(masks).float().unflatten(1, (SIDE, SIDE))
    entry, planted = layer(given["maps"].shape[2], given["tokens"].shape[2])
    tally = Tally(entry, planted, torch.device("cpu"))
    weights = torch.from_numpy(weights_of(sets)).double()
    for part, fitting in ((slice(0, count // 2), True), (slice(count // 2, None), False)):
        batch = Batch(np.arange(count)[part], sets[part], torch.empty(0), masks[part])
        tensors = {name: torch.from_numpy(each[part]).float() for name, each in given.items()}
        tally.add(tensors, batch, weights[part], fitting)
    return tally.row()[0]


def of(row: dict[str, float], name: str, nothing: float) -> Measured:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return Measured(row[name], low, high, not low <= nothing <= high)


def objects(draws: np.random.Generator, count: int) -> np.ndarray:
    """Masks (n, position): a third of the positions each, anywhere."""
    return nearest(draws.random((count, PLACES)))


def nearest(far: np.ndarray) -> np.ndarray:
    """Masks (n, position): the third of the positions that are least far."""
    return (far.argsort(axis=1).argsort(axis=1) < PLACES // 3).astype(float)


def middle(draws: np.random.Generator, count: int) -> np.ndarray:
    """Masks (n, position): a disc of a third of the positions around a point near the middle."""
    at = draws.normal(size=(count, 2)) * ASIDE
    return nearest(np.linalg.norm(FROM_MIDDLE - at[:, None], axis=2))


# The object is marked

MARKED = (0.4, 1.2)
"""By how many standard deviations positions on the object are brighter, on one half of the sets and on the other."""


def area(shift: float) -> float:
    """The area under the ROC curve of two normal distributions that far apart."""
    return 0.5 + math.erf(shift / 2) / 2


def marking(seed: int, shifts: tuple[float, float], object_share: float, name: str, units: int = 24) -> Measured:
    sets, shift, draws = shared(seed, shifts)
    masks = objects(draws, len(sets))
    side = np.where(draws.random(units) < object_share, 1.0, -1.0)
    maps = draws.normal(size=(len(sets), PLACES, units)) + (shift[:, None] * masks)[:, :, None] * side
    maps += 3 * draws.normal(size=(len(sets), 1, units))  # what excites a unit has nothing to do with the place
    return of(told(sets, draws, maps=maps, masks=masks), name, 0.5)


# Objects are in the middle, and units are bright at the border

FROM_MIDDLE = np.stack(np.divmod(np.arange(PLACES), SIDE), axis=1) - (SIDE - 1) / 2
"""(position, 2)"""
ASIDE = 1.0
"""How far from the middle objects are, in positions (standard deviation)."""
BORDER = 0.7
"""By how many standard deviations a unit is brighter where a position is one standard deviation farther from the middle."""
SEEN = 1.5
"""By how many on the object, in a unit that sees it."""
BY_CHANCE = 22 / 1024
"""Of units that do not see the object: nine or ten of ten images on one side."""


def bordered(seed: int, sees: float, object_share: float, name: str, units: int = 60) -> Measured:
    """A share of the units sees the object too, and is brighter on it or beside it; the others never see it."""
    draws = np.random.default_rng(seed)
    sets = np.repeat(np.arange(SETS), 2)
    masks, far = middle(draws, len(sets)), np.linalg.norm(FROM_MIDDLE, axis=1)
    side = np.where(draws.random(units) < object_share, 1.0, -1.0) * (draws.random(units) < sees)
    maps = draws.normal(size=(len(sets), PLACES, units)) + SEEN * masks[:, :, None] * side
    maps += BORDER * ((far - far.mean()) / far.std())[:, None] + 3 * draws.normal(size=(len(sets), 1, units))
    return of(told(sets, draws, maps=maps, masks=masks), name, BY_CHANCE if name == "preferring" else 0.5)


# Place and input are kept

NOISE = 0.5


def placed(seed: int, strength: float) -> Measured:
    sets, _, draws = shared(seed, (0.0,))
    rows, columns = np.divmod(np.arange(PLACES), SIDE)
    codes = 2 * np.stack([rows, columns], axis=1) / (SIDE - 1) - 1
    noise = draws.normal(size=(len(sets), PLACES, 2)) * NOISE
    found = of(told(sets, draws, tokens=strength * codes + noise), "position_r2", 0.0)
    return replace(found, seen=found.low > 0)  # what was fitted to noise does worse than nothing


def spread_of_codes() -> float:
    return float(np.mean((2 * np.arange(SIDE) / (SIDE - 1) - 1) ** 2))


def kept(seed: int, chances: tuple[float, float]) -> Measured:
    """Each token is its own input, or that of any position."""
    sets, chance, draws = shared(seed, chances)
    entry = draws.normal(size=(len(sets), PLACES, 8))
    anywhere = draws.integers(0, PLACES, (len(sets), PLACES))
    own = draws.random((len(sets), PLACES)) < chance[:, None]
    at = np.where(own, np.arange(PLACES), anywhere)
    tokens = np.take_along_axis(entry, at[..., None], axis=1)
    return of(told(sets, draws, entry=entry, tokens=tokens), "self_retrieval", 1 / PLACES)


def flat(seed: int, between: float) -> Measured:
    """Each set moves all positions of a unit's map by as much."""
    sets, _, draws = shared(seed, (0.0,))
    moved = draws.normal(size=(SETS, 1, 24))[sets] * between
    return of(told(sets, draws, maps=moved + draws.normal(size=(len(sets), PLACES, 24))), "map_between", math.nan)


# The last layer


def logits(right: np.ndarray) -> Tensor:
    """Answers (...) of two classes to images of class 0."""
    return torch.from_numpy(np.stack([right, ~right], axis=-1)).float()


def answered(seed: int, loses: float, name: str) -> Measured:
    """A network that is right on 70%, and under uniform attention loses some of these, the same on both of a set."""
    draws = np.random.default_rng(seed)
    sets = np.repeat(np.arange(3 * SETS), 2)
    alike = draws.random((3, 3 * SETS))[:, sets]
    each = np.where(draws.random(len(sets)) < 0.5, alike, draws.random((3, len(sets))))
    natural = each[0] < 0.7
    lost, gained = each[1] < (0.1 + loses) / 0.7, each[2] < 0.1 / 0.3
    answers, labels = Answers(), torch.zeros(len(sets), dtype=torch.long)
    answers.add("natural", logits(natural), labels)
    answers.add("uniform", logits(np.where(natural, ~lost, gained)), labels)
    if name == "natural":
        facts = answers.accuracy("natural", None, sets)
        return Measured(facts["top1"], *facts["interval"], facts["interval"][0] > 0.5)
    facts = answers.accuracy("uniform", "natural", sets)
    low, high = facts["difference_interval"]
    return Measured(facts["difference"], low, high, not low <= 0 <= high)


def best_place(seed: int, best: float) -> Measured:
    """Position 5 is right more often than all others, which are right on 30%."""
    draws = np.random.default_rng(seed)
    sets = np.repeat(np.arange(2 * SETS), 2)
    rates = np.where(np.arange(PLACES) == 5, best, 0.3)
    alike, alone = (draws.random((count, PLACES)) for count in (2 * SETS, len(sets)))
    right = np.where(draws.random((len(sets), PLACES)) < 0.5, alike[sets], alone) < rates
    positions = Positions(PLACES)
    positions.add(logits(right), torch.zeros(len(sets), dtype=torch.long))
    facts = positions.maximum(sets)
    return Measured(facts["held_out"], *facts["held_out_interval"], facts["held_out_interval"][0] > 0.3)


# Moved images


def followed(seed: int, correlations: tuple[float, float]) -> Measured:
    """A unit's map on the moved image agrees with the moved map as far as its set says, under each of three moves."""
    sets, along, draws = shared(seed, correlations)
    tally = moves._Tally()
    for _ in range(3):
        maps = draws.normal(size=(2, len(sets), 8, PLACES))
        maps[1] = along[:, None, None] * maps[0] + np.sqrt(1 - along**2)[:, None, None] * maps[1]
        plain, moved = (torch.from_numpy(each).unflatten(2, (SIDE, SIDE)) for each in maps)
        tally.add(sets, plain, plain, moved)
    return of(tally.row(), "equivariance", 0.0)


def stayed(seed: int, change: float) -> Measured:
    """A unit's mean varies by 1 over the sets, and changes by so many standard deviations under a move."""
    sets, _, draws = shared(seed, (0.0,))
    before = draws.normal(size=(SETS, 8))[sets]
    after = before + change * draws.normal(size=(SETS, 8))[sets]
    plain, moved = (torch.from_numpy(np.tile(each[:, :, None, None], (1, 1, SIDE, SIDE))) for each in (before, after))
    tally = moves._Tally()
    tally.add(sets, plain, plain, moved)
    return of(tally.row(), "invariance", 0.0)


def shrunk(correlation: float) -> float:
    """The mean correlation of samples of PLACES (Hotelling 1953)."""
    return correlation * (1 - (1 - correlation**2) / (2 * PLACES))


def case(experiment: str, about: str, truth: float, draw: Callable[[int], Measured], **null: object) -> Planted:
    return Planted(experiment, about, truth, draw, **null)  # type: ignore[arg-type]


CASES = [
    case(
        "spatial-layers", "units mark the object on their strongest images (AUROC)",
        (area(MARKED[0]) + area(MARKED[1])) / 2,
        lambda seed: marking(seed, MARKED, 0.5, "localisation_strongest"),
        null=lambda seed: marking(seed, (0.0, 0.0), 0.5, "localisation_strongest"), nothing=0.5,
    ),
    case(
        "spatial-layers", "units mark the object over all images (AUROC)", (area(MARKED[0]) + area(MARKED[1])) / 2,
        lambda seed: marking(seed, MARKED, 0.5, "localisation_auroc"),
    ),
    case(
        "spatial-layers", "share of units that mark the object, not the background", 0.25,
        lambda seed: marking(seed, (1.5, 1.5), 0.25, "object_share", 60),
        null=lambda seed: marking(seed, (1.5, 1.5), 0.5, "object_share", 60), nothing=0.5,
    ),
    case(
        "spatial-layers", "the same, objects in the middle and all units brighter at the border", 0.25,
        lambda seed: bordered(seed, 1.0, 0.25, "object_share"),
        null=lambda seed: bordered(seed, 1.0, 0.5, "object_share"), nothing=0.5,
    ),
    case(
        "spatial-layers", "units that mark a side, 40% of units brighter at the border; null: none sees the object",
        0.4 + 0.6 * BY_CHANCE, lambda seed: bordered(seed, 0.4, 0.25, "preferring"),
        null=lambda seed: bordered(seed, 0.0, 0.5, "preferring"), nothing=BY_CHANCE,
    ),
    case(
        "spatial-layers", "tokens hold their row and column (R²)", spread_of_codes() / (spread_of_codes() + NOISE**2),
        lambda seed: placed(seed, 1.0), null=lambda seed: placed(seed, 0.0),
    ),
    case(
        "spatial-layers", "tokens are nearest to their own input", 0.3 + 0.7 / PLACES,
        lambda seed: kept(seed, (0.1, 0.5)), null=lambda seed: kept(seed, (0.0, 0.0)), nothing=1 / PLACES,
    ),
    case(
        "spatial-layers", "share of a map's variance between images", (1 + 1 / PLACES) / 2, lambda seed: flat(seed, 1.0),
    ),
    case("spatial-last", "the head's accuracy", 0.7, lambda seed: answered(seed, 0.0, "natural")),
    case(
        "spatial-last", "uniform attention costs answers (difference)", -0.1, lambda seed: answered(seed, 0.1, "uniform"),
        null=lambda seed: answered(seed, 0.0, "uniform"),
    ),
    case(
        "spatial-last", "the best single position, chosen on the other half", 0.6, lambda seed: best_place(seed, 0.6),
        null=lambda seed: best_place(seed, 0.3), nothing=0.3,
    ),
    case(
        "spatial-moves", "maps move along (correlation)", (shrunk(0.4) + shrunk(0.8)) / 2,
        lambda seed: followed(seed, (0.4, 0.8)), null=lambda seed: followed(seed, (0.0, 0.0)),
    ),
    case(
        "spatial-moves", "means stay (1 minus change over variance)", 0.75, lambda seed: stayed(seed, 0.5),
        null=lambda seed: stayed(seed, 1.0),
    ),
]  # fmt: skip
