"""What a sweep of pictures costs, about: time from a few measured steps and images, room from the shapes of what is stored."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from engine.core.choices import DEFAULT_TOP_IMAGES
from engine.core.config import settings
from engine.core.errors import Cancelled, Unavailable
from engine.core.request import Context, Progress, one_request
from engine.data.registry import open_dataset
from engine.evaluation.index import IndexRequest, index_sites
from engine.models import catalog
from engine.sites.access import Site
from engine.sweeps.parts import Part
from engine.sweeps.plan import Plan, stored
from engine.visualization.goals import units_of
from engine.visualization.optimization.batch_size import sizes_for
from engine.visualization.optimization.optimize import Run, maximize
from engine.visualization.request import VisualizeRequest
from engine.visualization.tuning import recipe_of

STEPS = 3
"""Steps that are measured, the first of which only warms up."""
PROBED = 3
"""Layers of a model that are measured: the first, a middle one and the last; the others lie between."""
INDEXED = 16
"""Images of a batch that is measured for an activation index, after one that only warms up."""
SCORING = 64
"""Passes of a picture that its scores cost, about: 46 to 100 on starter-vit, fewer the more units stand in a part."""
PACKED = 1.0
"""Of a picture's bytes, what lossless WebP takes at most: 0.75 at 96 x 96 pixels (starter-vit), 0.98 at 224 x 224 (DINOv2)."""
TABLE, LINE = 20_000, 200
"""Bytes of a part's table of numbers, and of a unit's line in it."""


@dataclass(frozen=True)
class Cost:
    """What is still to be made takes so many `seconds` of one worker (None: not known before the first parts are done) and so
    many `bytes` in the store, of `limit` that it may hold."""

    seconds: float | None
    bytes: int
    limit: int

    def refuse(self) -> None:
        """Raises Unavailable, with the numbers, where the store could not hold it."""
        if self.bytes > self.limit:
            raise Unavailable(
                f"This sweep would take about {gigabytes(self.bytes)}, and the cache may hold {gigabytes(self.limit)}: the first "
                "pictures would be removed before the last are made. Raise cache_limit_bytes in vitrine.toml or take fewer units."
            )


def duration(seconds: float) -> str:
    """A time in words."""
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} seconds"


def gigabytes(count: int) -> str:
    """Bytes in words."""
    return f"{count / 1e9:.2f} GB" if count >= 1e7 else f"{count / 1e6:.1f} MB"


def cost_of(plan: Plan, measure: bool = True) -> Cost:
    """What the missing parts of a plan cost. Without `measure`, their time is not found out."""
    missing = [part for part in plan.missing.values() if isinstance(part.request, VisualizeRequest)]
    pictures = [part for part in missing if part.units]
    taken = sum(_bytes(part) for part in pictures) + _index_bytes(pictures)
    seconds = _seconds(pictures) + _index_seconds(pictures) if measure and pictures else None
    return Cost(seconds, taken, int(settings().cache_limit_bytes))


def _seconds(parts: Sequence[Part]) -> float:
    total = 0.0
    for model in dict.fromkeys(part.model for part in parts):
        mine = [part for part in parts if part.model == model]
        layers = [name for name in catalog.sites_of(model) if any(part.site == name for part in mine)]
        probed = sorted({round(place) for place in np.linspace(0, len(layers) - 1, min(PROBED, len(layers)))})
        paces = [_pace(next(part for part in mine if part.site == layers[place])) for place in probed]
        each = dict(zip(layers, np.interp(range(len(layers)), probed, paces), strict=True))
        total += sum(float(each[part.site]) * part.pictures for part in mine)
    return total


def _pace(part: Part) -> float:
    """Seconds of one picture of a part, with its scores."""
    request = part.request
    assert isinstance(request, VisualizeRequest), "only pictures are measured"
    model, recipe, times = catalog.load(part.model), recipe_of(request.recipe), list[float]()
    size = next(sizes_for(part.pictures, recipe, model, part.site))
    units = [part.units[number % len(part.units)] for number in range(size)]
    few = recipe.model_copy(update={"steps": STEPS, "finish": None})
    run = Run(watch=lambda step, images, curve: times.append((images().cpu(), time.monotonic())[1]))
    maximize(model, part.site, units_of(units), few, request.seed, run)
    step = (times[-1] - times[0]) / (len(times) - 1) / size
    return step * (recipe.steps + SCORING / recipe.copies) * (2 if request.opposite else 1)


def _index_seconds(parts: Sequence[Part]) -> float:
    """What the passes over images take that make the activation indexes which are not there yet; layers may share one."""
    layers = dict.fromkeys((part.model, part.site, _data(part)) for part in parts)
    with one_request():
        wanted = {request.key(): request for request in (IndexRequest(model=m, site=s, data=d) for m, s, d in layers)}
    there = stored([*wanted])
    missing = [request for key, request in wanted.items() if key not in there]
    passes = {(request.model, request.data, tuple(request.together())) for request in missing}
    return sum(_pass_seconds(*each) for each in passes)


def _pass_seconds(model: str, data: str, sites: Sequence[str]) -> float:
    """A whole pass over a data set, as long as a batch of it says."""
    watch = _Watch()
    with contextlib.suppress(Cancelled):
        index_sites(model, sites, data, cast(Context, watch), batch=INDEXED)
    return watch.each * len(open_dataset(data))


class _Watch:
    """What an index reports to: it stops after the second batch. `each`: seconds of an image in the last one."""

    def __init__(self) -> None:
        self._seen: list[tuple[int, float]] = []

    def report(self, progress: Progress) -> None:
        self._seen.append((progress.step, time.monotonic()))
        if len(self._seen) > 2:
            raise Cancelled("Enough was measured.")

    @property
    def each(self) -> float:
        (before, began), (done, ended) = self._seen[-2:]
        return (ended - began) / (done - before)


def _bytes(part: Part) -> int:
    """What a part takes in the store."""
    request, images = part.request, len(open_dataset(_data(part)))
    assert isinstance(request, VisualizeRequest), "only pictures are counted"
    recipe, site = recipe_of(request.recipe), _site(part)
    height, width = catalog.load(part.model).input_size
    picture = round(recipe.canvas * height) * round(recipe.canvas * width) * 3 * PACKED + 4 * recipe.steps
    top = min(DEFAULT_TOP_IMAGES, images) * (8 + 2 * site.grid.height * site.grid.width)
    each = picture * (2 if request.opposite else 1) + 4 * images + top + LINE
    return int(each * part.pictures) + TABLE + 4 * images


def _index_bytes(parts: Sequence[Part]) -> int:
    """What the activation indexes take that the pictures are compared with: one for each layer of the same role, which are
    made together."""
    total = 0
    for model, role, data in dict.fromkeys((part.model, _site(part).role, _data(part)) for part in parts):
        images = len(open_dataset(data))
        for site in catalog.sites_of(model).values():
            if site.role == role:
                top = min(DEFAULT_TOP_IMAGES, images) * (8 + 2 * site.grid.height * site.grid.width)
                total += site.units * (4 * images + 2 * top + 16)
    return total


def _site(part: Part) -> Site:
    return catalog.sites_of(part.model)[part.site]


def _data(part: Part) -> str:
    return str(dict(part.request)["data"])
