"""What the feature visualization page shows, as one value: from widgets or a link to the requests behind it.

Invariant: equal views ask for equal requests, so that a link shows what was shown when it was made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from engine.core.address import Address
from engine.core.choices import DEFAULT_DATA, DEFAULT_RECIPE
from engine.core.errors import BadRequest, VitrineError
from engine.models.catalog import sites_of
from pages.common.colours import Side

if TYPE_CHECKING:
    from engine.evaluation.index import IndexRequest
    from engine.visualization.request import VisualizeRequest

MAX_ROWS = 8
"""The most layers that the whole-depth view shows of one model: first, last, and evenly between."""


Compare = Literal["", "recipes", "sites"]
QUICK = ("fast", "fourier", "paper", "paper-code")
"""The recipes that a comparison shows: `maco` takes some 30 times as long as `fast`, `reconstruct` is for matching."""


@dataclass(frozen=True)
class View:
    """Units of one or two models, how their pictures are made, and whether one layer or the whole depth is shown."""

    a: Address
    b: Address | None = None
    recipe: str = DEFAULT_RECIPE
    seed: int = 0
    opposite: bool = False
    data: str = DEFAULT_DATA
    depth: bool = False
    start: str = ""
    importance: bool = False
    several: int = 1
    seeds: int = 1
    compare: Compare = ""
    tuned: str = ""
    """What is changed of the recipe, as links say it: `steps:64,jitter:8` (see `engine.visualization.tuning`)."""

    @property
    def sides(self) -> dict[Side, Address]:
        """The models shown, by side."""
        return {"a": self.a, "b": self.b} if self.b else {"a": self.a}


@dataclass(frozen=True)
class Row:
    """One layer of one side: its address and the request for its pictures."""

    side: Side
    address: Address
    request: VisualizeRequest
    title: str = ""

    @property
    def name(self) -> str:
        """What the row is called: what it was made for where something is compared, else its layer."""
        return self.title or self.address.site

    @property
    def key(self) -> str:
        """The cache key of the request. Raises VitrineError when the model or the data set is not there."""
        return self.request.key()


def rows(view: View) -> list[Row]:
    """The requests of a view, in the order in which they are shown. Raises VitrineError where one cannot be made."""
    found = []
    for side, address in view.sides.items():
        if view.compare == "recipes":
            found += [
                Row(side, address, request(replace(view, recipe=name, tuned=""), address), name) for name in compared()
            ]
            continue
        if view.compare == "sites":
            found += [Row(side, layer, request(view, layer)) for layer in side_by_side(address)]
            continue
        layers = through_depth(address) if view.depth else [address]
        found += [Row(side, layer, request(view, layer)) for layer in layers]
    return found


def request(view: View, address: Address) -> VisualizeRequest:
    """The request for the pictures of these units, made as the view says."""
    from engine.core.request import build
    from engine.visualization.request import VisualizeRequest
    from engine.visualization.tuning import tuned

    return build(
        VisualizeRequest,
        model=address.model,
        site=address.site,
        units=address.units,
        targets=address.targets,
        recipe=tuned(view.recipe, view.tuned),
        seed=view.seed,
        opposite=view.opposite,
        data=view.data,
        start=view.start,
        importance=view.importance,
        several=view.several,
        seeds=view.seeds,
    )


def index_request(address: Address, data: str) -> IndexRequest:
    """The request for what a whole site does on a data set."""
    from engine.core.request import build
    from engine.evaluation.index import IndexRequest

    return build(IndexRequest, model=address.model, site=address.site, data=data)


def through_depth(address: Address) -> list[Address]:
    """The same units in the layers of the same role, from the image to the head; at most MAX_ROWS of them.

    Units and targets that a layer does not have are left out. Raises VitrineError for a site that the model does not have.
    """
    from engine.sites.access import find

    sites = sites_of(address.model)
    role = find(sites, address.site).role
    alike = [site for site in sites.values() if site.role == role]
    if len(alike) > MAX_ROWS:
        alike = [alike[round(step * (len(alike) - 1) / (MAX_ROWS - 1))] for step in range(MAX_ROWS)]
    kept = [
        Address(
            address.model,
            site.name,
            tuple(unit for unit in address.units if unit < site.units),
            tuple(target for target in address.targets if not _missing(address.model, site.name, target)),
        )
        for site in alike
    ]
    return [layer for layer in kept if layer.names]


def compared() -> tuple[str, ...]:
    """The recipes of a comparison: the quick ones, then `fast` with one part after the other taken away."""
    from engine.visualization.recipes import ABLATIONS

    return (*QUICK, *ABLATIONS)


def side_by_side(address: Address) -> list[Address]:
    """The same units at every site of the address's block, in order. Raises VitrineError for an unknown site."""
    from engine.sites.access import find

    sites = sites_of(address.model)
    block = find(sites, address.site).block
    kept = [
        Address(
            address.model,
            site.name,
            tuple(unit for unit in address.units if unit < site.units),
            tuple(target for target in address.targets if not _missing(address.model, site.name, target)),
        )
        for site in sites.values()
        if site.block == block
    ]
    return [each for each in kept if each.names]


def _missing(model: str, site: str, target: str, data: str = DEFAULT_DATA) -> VitrineError | None:
    """Why a layer has no such target; None where it has."""
    from engine.models import catalog
    from engine.visualization import objectives

    try:
        objectives.check(catalog.load(model), site, target, data)
    except VitrineError as error:
        return error
    return None


def check(address: Address, data: str = DEFAULT_DATA) -> None:
    """Raise VitrineError, with what there is instead, where the model has no such site, unit or target, or for too many."""
    from engine.core.config import settings
    from engine.sites.access import find

    if len(address.names) > (limit := settings().units_limit):
        raise BadRequest(f"{len(address.names)} units were requested at once; the limit is {limit}. Request fewer.")
    site = find(sites_of(address.model), address.site)
    beyond = [unit for unit in address.units if unit >= site.units]
    if beyond:
        raise BadRequest(
            f"{address.model}@{address.site} has units 0 to {site.units - 1}; there is no unit {beyond[0]}."
        )
    for target in address.targets:
        if (refused := _missing(address.model, address.site, target, data)) is not None:
            raise refused
