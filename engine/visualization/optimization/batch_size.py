"""How many pictures are made at once: a few fixed sizes, chosen by what they cost, within the device's memory.

A picture's last bits depend on the size of its batch (matrix products of another size round differently), and on nothing else
about its company. So sizes come from a short list, and each picture says which one it was made in. Invariant: the sizes are a
function of recipe, model, site, kind of device and the number of pictures, never of a measurement or of how much memory is
free just then. Only a device that runs out of memory all the same changes them, for as long as the process lives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.core import devices
from engine.models.loaded import LoadedModel
from engine.visualization.recipe import Recipe

STEP = 4
SIZES = {"cpu": (1, 4, 16), "cuda": (1, 4, 16, 64), "mps": (1, 4, 16)}
FIXED = {"cpu": 1.85, "cuda": 64.0, "mps": 32.0}
"""What a step costs beside its augmented copies, in copies. On a CPU from `bench.batches` (starter models, both precisions: a
picture of two copies costs 0.62 as much in batches of four as alone and 0.54 in batches of 16, one of eight copies 0.9 in
batches of four); elsewhere assumed: there a batch costs hardly more than a picture until it fills the device."""
FILLING = {"cuda": 256, "mps": 64}
"""Augmented copies, of all pictures of a batch together, that fill a device; more are not faster. On a CPU memory decides."""
SHARE = 0.7
"""Of the device's memory: the rest is for weights, other models and other programs."""
HELD = 4
"""Times what all sites of a copy hold: also what lies between them is kept for the gradient. Rough: see `in_batches`."""

_FITTED: dict[tuple[str, str, Recipe, str], int] = {}


def in_batches(count: int, recipe: Recipe, model: LoadedModel, site: str, run: Callable[[range, int], None]) -> None:
    """`run(places, size)` for places 0 to `count`, batch by batch: those of one batch, and its size, which can be larger.
    When the device runs out of memory, that batch is tried at smaller sizes, and what fitted is remembered.

    Raises Unavailable when even one picture does not fit.
    """
    start = 0
    while start < count:

        def attempt(size: int, start: int = start) -> int:
            run(range(start, min(start + size, count)), size)
            return size

        size = next_size(count - start, pictures_at_once(recipe, model, site), recipe.copies, model.device.type)
        fitted = devices.halve_on_oom(attempt, size, by=STEP)
        if fitted < size:
            _FITTED[_key(recipe, model, site)] = fitted
        start += fitted


def sizes_for(count: int, recipe: Recipe, model: LoadedModel, site: str) -> Iterator[int]:
    """The sizes of the batches that make `count` pictures, as long as none runs out of memory."""
    while count > 0:
        size = next_size(count, pictures_at_once(recipe, model, site), recipe.copies, model.device.type)
        yield size
        count -= size


def next_size(count: int, most: int, copies: int, kind: str) -> int:
    """The size of the next batch when `count` pictures are left to make: the one that costs least for each of them. What a
    batch has too much of is computed for nothing, so one picture alone is never filled up."""
    known = (size for size in SIZES[kind] if size <= most)
    return min(known, key=lambda size: (size * copies + FIXED[kind]) / min(size, count))


def pictures_at_once(recipe: Recipe, model: LoadedModel, site: str) -> int:
    """How many pictures make the largest batch: on a CPU as many as keep each tensor within the memory that is kept for the
    next one (see `LoadedModel.images_per_pass`), elsewhere as many as fill the device and fit into its memory."""
    most = max(SIZES[model.device.type])
    if model.device.type == "cpu":
        most = model.images_per_pass(most * recipe.copies) // recipe.copies
    elif (memory := devices.describe(model.device)["memory_total"]) is not None:
        fitting = int(SHARE * memory) // (copy_bytes(model, site) * recipe.copies)
        most = min(most, FILLING[model.device.type] // recipe.copies, fitting)
    most = min(most, _FITTED.get(_key(recipe, model, site), most))
    return max(size for size in SIZES[model.device.type] if size <= max(1, most))


def copy_bytes(model: LoadedModel, site: str) -> int:
    """Bytes that one augmented copy holds for the gradient, about: all sites down to this one, in float32."""
    names = list(model.sites)
    above = [model.sites[name] for name in names[: names.index(site) + 1]]
    return HELD * sum(each.grid.positions * each.units * 4 for each in above)


def _key(recipe: Recipe, model: LoadedModel, site: str) -> tuple[str, str, Recipe, str]:
    return model.fingerprint, site, recipe, str(model.device)
