"""The requests behind a view: a row of pictures for each layer, recipe or site that it shows.

Invariant: equal views ask for equal requests, so that a link shows what was shown when it was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.core.address import Address
from engine.core.errors import VitrineError
from pages.common import results
from pages.common.colours import Side
from pages.common.units.layers import check, compared, side_by_side, through_depth
from pages.common.units.view import View

if TYPE_CHECKING:
    from engine.evaluation.index import IndexRequest
    from engine.visualization.request import VisualizeRequest


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
    shown = []
    for side, address in view.sides.items():
        if view.view == "recipes":
            shown += [
                Row(side, address, request(view.but(recipe=name, tuned=""), address), name) for name in compared()
            ]
            continue
        if view.view == "sites":
            shown += [Row(side, layer, request(view, layer)) for layer in side_by_side(address)]
            continue
        layers = through_depth(address) if view.view == "depth" else [address]
        shown += [Row(side, layer, request(view, layer)) for layer in layers]
    return shown


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


def refusal(view: View) -> str | None:
    """Why a view that came with a link cannot be shown; None where it can."""
    try:
        for row in rows(view):
            # What is stored needs no model: it shows at once.
            if results.find(row.key) is None:
                check(row.address, view.data)
    except VitrineError as error:
        return str(error)
    return None


def missing(rows: Sequence[Row]) -> list[Row]:
    """The rows whose result is not there."""
    return [row for row in rows if results.find(row.key) is None]
