"""What is asked about and what is shown: units of layers, the images that excite them, and their pictures.

Invariant: a picture shown here is the one that its own page shows, under the same key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.core.choices import USUAL_ROLES
from engine.core.config import settings
from engine.core.errors import BadRequest
from engine.core.request import Context, Progress
from engine.data.dataset import Dataset
from engine.evaluation.index import indexes, rows_of
from engine.explanation.natural import NATURAL, NaturalPictureRequest
from engine.explanation.trials import Trials, trials_of
from engine.models import catalog
from engine.models.loaded import LoadedModel
from engine.visualization.goals import units_of
from engine.visualization.recipes import FAST, fingerprint
from engine.visualization.request import VisualizeRequest
from engine.visualization.single import PictureRequest, complete
from engine.visualization.tuning import recipe_of

BLOCKS = 24
"""Layers that are counted where none are named, before the model is there: as many blocks as large models have."""


@dataclass(frozen=True)
class Asked:
    """Units of one site, with the trials of each. The trials' rows are of the images that count, of which `numbers` (images,)
    are the numbers in the data set."""

    site: str
    units: tuple[int, ...]
    trials: list[Trials]
    numbers: np.ndarray
    data: str


@dataclass(frozen=True)
class Which:
    """Whose pictures are looked at: `sites` (none: every block's usual one), `units` of each, or `each` drawn at random."""

    model: str
    sites: tuple[str, ...]
    units: tuple[int, ...]
    each: int
    seed: int


def check_pictures(which: Which, recipes: Sequence[str], each: int = 1) -> None:
    """Raises BadRequest for more pictures in all than one request may have units, with `each` recipe so many of a unit. Loads no
    model: where no layers are named, it counts `BLOCKS` of them."""
    count = (len(which.units) or which.each) * (len(which.sites) or BLOCKS) * len(recipes) * each
    limit = settings().limits.units_per_request
    if count > limit:
        raise BadRequest(
            f"{count} pictures requested at once ({'' if which.sites else f'for up to {BLOCKS} layers; '}the limit is {limit}). "
            "Name fewer layers, units or recipes."
        )


def asked(which: Which, dataset: Dataset, data: str, context: Context) -> list[Asked]:
    """The units of each site with their trials.

    Raises BadRequest for an unknown site, a unit out of range, too few images, and sites that were read on other images.
    """
    sites = which.sites or tuple(layers(catalog.load(which.model)))
    parts = indexes(context, which.model, sites, data)
    numbers = parts[0].arrays["images"]
    rows = counted(dataset, numbers)
    apart, found = groups(dataset, numbers[rows]), []
    for place, (site, part) in enumerate(zip(sites, parts, strict=True)):
        there = rows_of(part.arrays["images"], numbers[rows], f"{site} of {which.model}")
        values = part.arrays["position_mean"][there].astype(np.float32)
        units = which.units or drawn(values, which.each, which.seed + place)
        if not units or max(units) >= values.shape[1]:
            raise BadRequest(f"{site} has {values.shape[1]} units, counted from 0.")
        trials = [trials_of(values[:, unit], apart, which.seed) for unit in units]
        found.append(Asked(site, units, trials, numbers[rows], data))
    return found


def pictures(
    model: str, of: Asked, recipe: str, seed: int, context: Context, direction: Literal[1, -1] = 1
) -> list[np.ndarray]:
    """A picture of each unit, uint8 (H, W, 3), made with a recipe by its name, or `natural`; those that are there are found.

    Raises BadRequest for a natural picture that should silence its unit.
    """
    if recipe == NATURAL:
        return _natural(model, of, seed, context, direction)
    asked_for = [
        PictureRequest(model=model, site=of.site, wanted=str(unit), recipe=recipe, seed=seed, direction=direction)
        for unit in of.units
    ]
    there, steps = [context.find(request) for request in asked_for], recipe_of(recipe).steps

    def watch(step: int, *_: object) -> None:
        context.report(Progress(step, steps, f"Pictures of {of.site} with {recipe}"))

    return [result.arrays["image"] for result in complete(asked_for, units_of(of.units), there, context, watch)]


def variants(model: str, of: Asked, recipe: str, several: int, seed: int, context: Context) -> np.ndarray | None:
    """(units, several, H, W, 3) uint8: different pictures of each unit, held apart, as its own page shows them. None where one
    is all, or of `natural`, which is made of all kinds of images."""
    if several < 2 or recipe == NATURAL:
        return None
    asked_for = VisualizeRequest(
        model=model, site=of.site, units=of.units, recipe=recipe, seed=seed, several=several, data=of.data
    )
    return context.compute(asked_for).arrays["variants"]


def made_by(recipes: Sequence[str]) -> dict[str, str]:
    """What pictures depend on besides model and images, for keys: each recipe's settings, and how pictures are made."""
    found = {f"recipe {name}": fingerprint(FAST if name == NATURAL else recipe_of(name)) for name in recipes}
    return found | {"pictures": f"{PictureRequest.version} {NaturalPictureRequest.version} {VisualizeRequest.version}"}


def _natural(model: str, of: Asked, seed: int, context: Context, direction: int) -> list[np.ndarray]:
    if direction < 0:
        raise BadRequest("Natural pictures are made of what excites a unit only. Leave out --opposite.")
    given = {"model": model, "site": of.site, "data": of.data, "seed": seed}
    return [
        context.compute(
            NaturalPictureRequest(unit=unit, shown=tuple(map(int, of.numbers[trials.strong])), **given)
        ).arrays["image"]
        for unit, trials in zip(of.units, of.trials, strict=True)
    ]


def layers(model: LoadedModel) -> list[str]:
    """The sites where units are looked at unless somebody says otherwise: hidden features, or ends of blocks."""
    by_role = [[site.name for site in model.sites.values() if site.role == role] for role in USUAL_ROLES]
    return next(filter(None, by_role), list(model.sites)[-1:])


def counted(dataset: Dataset, numbers: np.ndarray) -> np.ndarray:
    """Rows of `numbers` (images,) that are images to ask about: those with an object, where a data set has some without."""
    wanted = dataset.evaluated()
    return np.flatnonzero(np.isin(numbers, wanted)) if len(wanted) else np.arange(len(numbers))


def groups(dataset: Dataset, numbers: np.ndarray) -> np.ndarray:
    """(images,): equal for images that share an object and its pose, another number for every other image."""
    of = {number: number for number in map(int, numbers)}
    for one in dataset.matched_sets():
        members = list(one.values())
        of |= dict.fromkeys(members, min(members))
    return np.array([of[int(number)] for number in numbers])


def drawn(values: np.ndarray, count: int, seed: int) -> tuple[int, ...]:
    """So many units at random, in order, of those that differ between images; values (images, units)."""
    alive = np.flatnonzero(values.std(0) > 0)
    picked = np.random.default_rng(seed).choice(alive, min(count, len(alive)), replace=False)
    return tuple(sorted(map(int, picked)))
