"""What the server makes before anybody asks, when nothing else is to be done: the indexes behind what pages open on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.core.choices import DEFAULT_MODELS, DEFAULT_READER, DEFAULT_ROLE
from engine.core.errors import VitrineError

if TYPE_CHECKING:
    from engine.core.request import Request


def quiet_requests() -> Iterator[Request]:
    """In the order in which they are made; what is there already costs nothing. Requests that cannot be asked for here, since
    a model or a data set is missing, are left out."""
    yield from _behind_units()
    yield from _behind_searches()
    yield from _behind_home()


def _behind_units() -> Iterator[Request]:
    """Strongest images and distributions of the units that the feature visualization page opens on."""
    from pages.common.units.rows import index_request
    from pages.common.units.view import example

    view = example()
    for address in view.sides.values():
        with suppress(VitrineError):
            yield index_request(address, view.data)


def _behind_searches() -> Iterator[Request]:
    """What the search that the concepts page opens on reads: what the images mean to its reader, and what each layer of the
    reader and of the first model does on them."""
    from engine.core.choices import EMBEDDING
    from engine.core.request import build
    from engine.evaluation.index import IndexRequest
    from engine.models.catalog import sites_of

    with suppress(VitrineError):
        yield build(IndexRequest, model=DEFAULT_READER, site=EMBEDDING)
    for model in (DEFAULT_READER, DEFAULT_MODELS[0]):
        with suppress(VitrineError):
            # Whichever comes first, its pass over the images gives the others too.
            for site in sites_of(model).values():
                if site.role == DEFAULT_ROLE:
                    yield build(IndexRequest, model=model, site=site.name)


def _behind_home() -> Iterator[Request]:
    """Strongest images of the units on the home page."""
    from pages.common.units.rows import index_request
    from pages.sections.home.gallery import EXHIBITS

    for exhibit in EXHIBITS:
        for address, *_ in exhibit.addresses:
            with suppress(VitrineError):
                yield index_request(address, exhibit.data)
