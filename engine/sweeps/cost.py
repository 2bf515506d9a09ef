"""What a sweep costs, about: the time of pictures from a few measured steps and images; room from the shapes of what is stored,
or from stored results of the kind."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from engine.core import config
from engine.core.choices import DEFAULT_TOP_IMAGES
from engine.core.config import settings
from engine.core.errors import Cancelled, Unavailable
from engine.core.request import Context, Progress, one_request
from engine.data.registry import open_dataset
from engine.evaluation.index import IndexRequest, index_sites
from engine.jobs import keys
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
    """What is still to be made takes so many `seconds` of one worker and so many `bytes` in the store (None: not known before the
    first parts are done), beside those of what is `there`, of `limit` that it may hold."""

    seconds: float | None
    bytes: int | None
    limit: int
    there: int = 0

    def refuse(self) -> None:
        """Raises Unavailable, with the numbers, where the store could not hold all of the sweep."""
        if self.bytes and self.there + self.bytes > self.limit:
            of_it = f", {gigabytes(self.there)} of which are there" if self.there else ""
            raise Unavailable(
                f"This sweep would take about {gigabytes(self.there + self.bytes)}{of_it}, and the cache may hold "
                f"{gigabytes(self.limit)}: the first results would be removed before the last are made. Raise cache_limit_bytes "
                "in vitrine.toml or take fewer units."
            )

    @property
    def told(self) -> str:
        """What the rest takes, in a sentence."""
        later = "is known when the first part is done."
        if self.bytes is None:
            return f"How long the rest takes, and how much room, {later}"
        beside = f", beside {gigabytes(self.there)} that are there," if self.there else ""
        room = f"{gigabytes(self.bytes)}{beside} of the {gigabytes(self.limit)} that the cache may hold"
        if self.seconds is None:
            return f"The rest takes about {room}; how long {later}"
        return f"The rest takes one worker about {duration(self.seconds)}, and {room}."


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
    missing = [*plan.missing.values()]
    pictures = [part for part in missing if part.units and isinstance(part.request, VisualizeRequest)]
    seconds = _seconds(pictures) + _index_seconds(pictures) if measure and pictures else None
    taken = sum(_bytes(part) for part in pictures) + _index_bytes(pictures) if pictures else _other_bytes(missing)
    store = config.store()
    there = store.sizes(place for place in store.stored() if keys.request_key(place) in plan.there)
    return Cost(seconds, taken, int(settings().cache_limit_bytes), sum(there.values()))


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
                total += _index_size(site, images, DEFAULT_TOP_IMAGES)
    return total


def _index_size(site: Site, images: int, top: int) -> int:
    """What an activation index of a layer takes."""
    each = min(top, images) * (8 + 2 * site.grid.height * site.grid.width)
    return site.units * (4 * images + 2 * each + 16)


def _other_bytes(parts: Sequence[Part]) -> int | None:
    """What parts of another experiment take: indexes by the shapes of their arrays, others as much a unit as stored results of
    the kind for the same models, or as much a part as any; None where none is stored."""
    requests = [part.request for part in parts]
    indexes = [each for each in requests if isinstance(each, IndexRequest)]
    if len(indexes) == len(parts):
        sized = zip(parts, indexes, strict=True)
        return sum(_index_size(_site(part), len(open_dataset(each.data)), each.top) for part, each in sized)
    found = [(entry.facts_request or {}, entry.bytes) for entry in config.store().entries()]
    alike = [(asked, size) for asked, size in found if asked.get("experiment") == requests[0].experiment]
    units = [(_units_of(asked), size) for asked, size in alike if asked.get("model") in {part.model for part in parts}]
    if count := sum(number for number, _ in units):
        each_unit = sum(size for number, size in units if number) / count
        return int(each_unit * sum(_units_of(dict(request)) for request in requests))
    return sum(size for _, size in alike) * len(parts) // len(alike) if alike else None


def _units_of(request: Mapping[str, Any]) -> int:
    """How many units of its layer a request is about; 0 where there is no such layer."""
    site = catalog.sites_of(request["model"]).get(request.get("site", ""))
    return len(request.get("units") or ()) or (site.units if site else 0)


def _site(part: Part) -> Site:
    return catalog.sites_of(part.model)[part.site]


def _data(part: Part) -> str:
    return str(dict(part.request)["data"])
