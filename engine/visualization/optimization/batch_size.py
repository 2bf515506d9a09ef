"""How many pictures may be made at once: estimated from the device's memory, checked by doing it, and remembered.

Invariant: a function of recipe, model, site and device, never of how many pictures are asked for or how much memory is
free just then, so that the geometry of a batch, and with it the last bit of a picture, stays the same from run to run.
Only a device that runs out of memory all the same changes it, for as long as the process lives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from engine.core import devices
from engine.models.loaded import LoadedModel
from engine.visualization.recipe import Recipe

T = TypeVar("T")

# Rows of a batch (pictures x copies) that fill a device. One picture's copies fill a CPU; more would only leave its cache.
ROWS = {"cpu": 1, "cuda": 256, "mps": 64}
SHARE = 0.7
"""Of the device's memory: the rest is for weights, other models and other programs."""
HELD = 4
"""Times what all sites of a row hold: also what lies between them is kept for the gradient. Rough, hence the check."""

_FITTED: dict[tuple[str, str, Recipe, str], int] = {}


def pictures_at_once(recipe: Recipe, model: LoadedModel, site: str) -> int:
    """How many pictures make one batch."""
    if known := _FITTED.get(_key(recipe, model, site)):
        return known
    fill = max(1, ROWS[model.device.type] // recipe.copies)
    memory = devices.describe(model.device)["memory_total"]
    if model.device.type == "cpu" or memory is None:
        return fill
    fitting = max(1, int(SHARE * memory) // (row_bytes(model, site) * recipe.copies))
    return min(fill, 1 << (fitting.bit_length() - 1))  # a power of two: a little more memory changes nothing


def row_bytes(model: LoadedModel, site: str) -> int:
    """Bytes that one augmented copy holds for the gradient, about: all sites down to this one, in float32."""
    names = list(model.sites)
    above = [model.sites[name] for name in names[: names.index(site) + 1]]
    return HELD * sum(each.grid.positions * each.units * 4 for each in above)


def with_fitting_batch(recipe: Recipe, model: LoadedModel, site: str, run: Callable[[int], T]) -> T:
    """`run(pictures at once)`; half as many each time the device runs out of memory, and what fitted is remembered.

    Raises Unavailable when even one picture does not fit.
    """
    size = 0

    def attempt(pictures: int) -> T:
        nonlocal size
        size = pictures
        return run(pictures)

    first = pictures_at_once(recipe, model, site)
    result = devices.halve_on_oom(attempt, first)
    if size < first:
        _FITTED[_key(recipe, model, site)] = size
    return result


def _key(recipe: Recipe, model: LoadedModel, site: str) -> tuple[str, str, Recipe, str]:
    return model.fingerprint, site, recipe, str(model.device)
