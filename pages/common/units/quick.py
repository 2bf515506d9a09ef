"""Which requests take a second or two, so that a page asks for them though nobody pressed a button.

Invariant: nothing that is quick reads a model or a data set that is not on this machine, or passes a data set through a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from engine.core.choices import EMBEDDING
from engine.core.errors import VitrineError
from engine.core.request import build
from pages.common import results

if TYPE_CHECKING:
    from engine.core.request import Request

    Layers = Iterable[tuple[str, str]]

MOST_NAMED, MOST_COMPARED = 4_000_000, 50_000_000_000
"""Units times images that are named or projected, and units times units times images that are compared, in about two seconds on
two cores."""


def is_quick(request: Request) -> bool:
    """Whether a loaded model answers this in a second or two, since all else that it builds on is stored."""
    layers = LAYERS.get(request.experiment)
    try:
        return layers is not None and all(_indexed(*each, request) for each in layers(request)) and _is_small(request)
    except VitrineError:
        return False  # said where it is asked for


def _indexed(model: str, site: str, request: Any) -> bool:
    """Whether a model is here, and what a layer of it does on the request's images is stored."""
    from engine.evaluation.index import IndexRequest
    from engine.models import catalog

    there = catalog.find(model).available
    return there and results.is_stored(build(IndexRequest, model=model, site=site, data=request.data))


def _is_small(request: Any) -> bool:
    """Whether so much is compared, where it is all units, as takes no longer; and so many images as can be compared on."""
    images = len(dataset := results.dataset(request.data))
    if request.experiment in ("name-units", "unit-map"):
        return images * _units(request.model, [request.site]) <= MOST_NAMED
    if request.experiment == "counterparts":
        from engine.evaluation.counterparts import too_few

        searched = _units(request.other, [site for model, site in _alike(request)[1:]])
        return images * searched * _units(request.model, [request.site]) <= MOST_COMPARED and not too_few(dataset)
    return True


def _units(model: str, names: Iterable[str]) -> int:
    from engine.models.catalog import sites_of

    sites = sites_of(model)
    return sum(sites[name].units for name in names)


def _found(request: Any) -> Layers:
    from engine.models.catalog import sites_of

    sites = [site.name for site in sites_of(request.model).values() if request.site in ("", site.name)]
    of_role = [name for name in sites if request.site or sites_of(request.model)[name].role == request.role]
    return [*((request.model, name) for name in of_role), (request.reader, EMBEDDING)]


def _named(request: Any) -> Layers:
    from engine.concepts.words import WordsRequest
    from engine.models import catalog

    read = build(WordsRequest, reader=request.reader, vocabulary=request.vocabulary, template=request.template)
    if not results.is_stored(read):
        raise VitrineError("its words are still to be read")
    twin = catalog.twin(request.model)
    return [(name, request.site) for name in (request.model, twin) if name] + [(request.reader, EMBEDDING)]


def _alike(request: Any) -> list[tuple[str, str]]:
    from engine.evaluation.counterparts import usual
    from engine.models.catalog import sites_of

    searched = [(request.other, site.name) for site in usual(sites_of(request.other).values())]
    return [(request.model, request.site), *searched]


def _probed(request: Any) -> Layers:
    from engine.models.catalog import sites_of
    from engine.spatial.depth import layers_of

    return [(request.model, layers_of(sites_of(request.model))[1][-1].maps.name)]


LAYERS: Mapping[str, Callable[[Any], Layers]] = {
    "find-units": _found,
    "name-units": _named,
    "unit-map": lambda request: [(request.model, request.site)],
    "zero-shot": lambda request: [(request.reader, EMBEDDING)],
    "counterparts": _alike,
    "spatial-maps": _probed,
}
"""The layers whose indexes a request builds on, by its experiment; of those that look at a single image, what is stored once the
model has looked at the images that it is one of."""
