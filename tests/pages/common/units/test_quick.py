"""What a page asks for by itself: what takes a second or two, of models that are here and have seen the images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from engine.concepts.naming import NameUnitsRequest
from engine.concepts.projection import UnitMapRequest
from engine.concepts.search import FindUnitsRequest
from engine.concepts.words import WordsRequest
from engine.concepts.zero_shot import ZeroShotRequest
from engine.core import config
from engine.core.choices import EMBEDDING
from engine.core.request import Request, Result
from engine.evaluation import counterparts
from engine.evaluation.counterparts import CounterpartsRequest
from engine.evaluation.index import IndexRequest
from engine.jobs.runner import Runner
from engine.models import catalog
from engine.spatial.maps import MapsRequest
from pages.common import results
from pages.common.units.quick import is_quick

MODEL, OTHER, READER, SITE, LAST = (
    "starter-vit",
    "starter-cnn",
    "starter-clip",
    "blocks.6.mlp.hidden",
    "blocks.7.mlp.hidden",
)
NAMING = NameUnitsRequest(model=MODEL, site=SITE)
SEARCH = FindUnitsRequest(model=MODEL, text="music")
ALIKE = CounterpartsRequest(model=OTHER, site="stages.2.blocks.1", other=MODEL)
EVERY = [(MODEL, f"blocks.{block}.mlp.hidden") for block in range(8)]


@pytest.fixture
def indexed(own_store: None) -> Callable[..., None]:
    def keep(*layers: tuple[str, str]) -> None:
        for model, site in layers:
            Runner(config.store()).keep(IndexRequest(model=model, site=site), Result({}, {"images": np.arange(2)}))

    return keep


@pytest.mark.parametrize(
    ("request_", "layers"),
    [
        (SEARCH, [*EVERY, (READER, EMBEDDING)]),
        (SEARCH.model_copy(update={"site": SITE}), [(MODEL, SITE), (READER, EMBEDDING)]),
        (UnitMapRequest(model=MODEL, site=SITE), [(MODEL, SITE)]),
        (ZeroShotRequest(texts=("a", "b"), image="3"), [(READER, EMBEDDING)]),
        (MapsRequest(model=MODEL, image="3"), [(MODEL, LAST)]),
        (ALIKE, [(OTHER, "stages.2.blocks.1"), *EVERY]),
    ],
    ids=lambda value: getattr(value, "experiment", ""),
)
def test_what_builds_on_stored_layers_alone_is_quick(
    indexed: Callable[..., None], request_: Request, layers: list[tuple[str, str]]
) -> None:
    indexed(*layers[:-1])
    assert not is_quick(request_)
    indexed(layers[-1])
    assert is_quick(request_)


def test_units_are_named_quickly_where_the_twin_and_the_clip_have_seen_the_images_and_the_words_are_read(
    indexed: Callable[..., None],
) -> None:
    indexed((MODEL, SITE), (f"twin/{MODEL}", SITE), (READER, EMBEDDING))
    assert not is_quick(NAMING)
    Runner(config.store()).keep(WordsRequest(), Result({}, {"embedding": np.zeros((1, 2), np.float32)}))
    assert is_quick(NAMING)


def test_what_reads_a_model_that_is_not_here_is_not_quick(
    indexed: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed((MODEL, LAST))
    known = catalog.find
    monkeypatch.setattr(catalog, "find", lambda name: replace(known(name), available=False))
    assert not is_quick(MapsRequest(model=MODEL, image="3"))


@pytest.mark.parametrize("request_", [UnitMapRequest(model=MODEL, site=SITE), ALIKE], ids=["map", "alike"])
def test_what_compares_all_units_on_very_many_images_is_not_quick(
    indexed: Callable[..., None], monkeypatch: pytest.MonkeyPatch, request_: Request
) -> None:
    indexed((OTHER, "stages.2.blocks.1"), *EVERY)
    monkeypatch.setattr(results, "dataset", lambda name: range(500_000))
    assert not is_quick(request_)


def test_units_are_not_compared_on_fewer_images_than_can_be_compared_on(
    indexed: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed((OTHER, "stages.2.blocks.1"), *EVERY)
    assert is_quick(ALIKE)
    monkeypatch.setattr(counterparts, "FEWEST", 10_000)
    assert not is_quick(ALIKE)


def test_what_makes_pictures_or_reads_a_data_set_is_not_quick(indexed: Callable[..., None]) -> None:
    indexed(*EVERY)
    assert not is_quick(IndexRequest(model=MODEL, site="blocks.7"))
