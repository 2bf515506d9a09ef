"""What a sweep costs: the numbers that are told, and the refusal where the cache could not hold it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.core import config
from engine.core.errors import Unavailable
from engine.core.request import Request, Result, build
from engine.data.registry import open_dataset
from engine.evaluation import index
from engine.evaluation.index import IndexRequest
from engine.jobs.runner import Runner
from engine.sweeps import cost, running, state
from engine.sweeps.carriers import Direct
from engine.sweeps.cost import cost_of, duration, gigabytes
from engine.sweeps.plan import plan
from engine.sweeps.request import SweepRequest
from engine.visualization import recipes


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    few = recipes.FAST.model_copy(update={"steps": 3, "finish": None})
    monkeypatch.setitem(recipes.RECIPES, "fast", few)


class Clock:
    """Time that goes on only when it is told to."""

    now, images = 0.0, 0

    def monotonic(self) -> float:
        return self.now


def sweep(**fields: Any) -> SweepRequest:
    given = {"models": ("small-vit",), "sites": ("blocks.0.mlp.hidden",), "given": {"data": "photos"}}
    return build(SweepRequest, **{**given, **fields})


def test_bytes_are_near_what_is_stored_in_the_end() -> None:
    asked = sweep(units="0-15", part=16)
    told = cost_of(plan(asked), measure=False)
    for part in plan(asked).parts.values():
        Runner(config.store()).fetch(part.request, lambda progress: None)
    stored = config.store().stats()["bytes"]
    assert told.bytes is not None and 0.6 * stored < told.bytes < 1.6 * stored
    assert cost_of(plan(asked)).bytes == 0 and cost_of(plan(asked)).seconds is None, "all of it is there"


def test_twice_the_units_take_twice_the_time_and_a_slow_layer_more(monkeypatch: pytest.MonkeyPatch) -> None:
    paces = {"blocks.0.mlp.hidden": 1.0, "blocks.1.mlp.hidden": 2.0, "blocks.2.mlp.hidden": 3.0}
    monkeypatch.setattr(cost, "_pace", lambda part: paces[part.site])
    monkeypatch.setattr(cost, "_index_seconds", lambda parts: 0.0)
    seconds = {units: cost_of(plan(sweep(units=units, sites=("mlp.hidden",)))).seconds for units in ("0-7", "0-15")}
    assert seconds == {"0-7": 8 * 6.0, "0-15": 16 * 6.0}


def test_the_time_of_the_pass_over_images_is_added_while_the_index_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, read, asked = Clock(), index.read, sweep(units="0-7", sites=("mlp.hidden",))

    def slow(module: Any, names: Any, images: Any) -> Any:
        clock.now += 0.5 * len(images)
        clock.images += len(images)
        return read(module, names, images)

    monkeypatch.setattr(cost, "time", clock)
    monkeypatch.setattr(cost, "_pace", lambda part: 1.0)
    pictures = 3 * 8 * 1.0
    assert cost_of(plan(asked)).seconds == pictures, "images that take no time cost none"
    monkeypatch.setattr(index, "read", slow)
    photos = len(open_dataset("photos"))
    assert cost_of(plan(asked)).seconds == pytest.approx(pictures + 0.5 * photos), "three layers share a pass"
    assert clock.images == min(2 * cost.INDEXED, photos), "of which two batches are seen"
    monkeypatch.setattr(index, "TOGETHER_BYTES", 0)
    assert cost_of(plan(asked)).seconds == pytest.approx(pictures + 3 * 0.5 * photos), (
        "where there is no room, each has its own"
    )
    site = "blocks.1.mlp.hidden"
    Runner(config.store()).fetch(
        build(IndexRequest, model="small-vit", site=site, data="photos"), lambda progress: None
    )
    assert cost_of(plan(asked)).seconds == pytest.approx(pictures + 2 * 0.5 * photos), "one of them is there"


def test_time_is_measured_and_of_what_is_no_picture_not_known() -> None:
    seconds = cost_of(plan(sweep(units="0-3"))).seconds
    assert seconds is not None and seconds > 0
    assert cost_of(plan(sweep(what="index", units=""))).seconds is None


def test_a_sweep_that_the_cache_could_not_hold_is_refused_with_the_numbers(
    configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(cache_limit_bytes="1 MiB")
    asked = sweep(units="0-127", sites=("mlp.hidden",), given={"data": "starter"})
    told = cost_of(plan(asked), measure=False)
    assert told.bytes is not None and told.limit == 1 << 20 < told.bytes
    words = f"about {gigabytes(told.bytes)}, and the cache may hold {gigabytes(told.limit)}"
    with pytest.raises(Unavailable, match=words):
        told.refuse()
    monkeypatch.setattr(Direct, "__init__", lambda self: None)
    with pytest.raises(Unavailable, match=words):
        running.run(state.begin(asked, "ann"), Direct())  # type: ignore[call-arg]


def keep(request: Request, bytes: int) -> None:
    """A stored result of a request that takes about so much."""
    noise = np.random.default_rng(0).integers(0, 256, bytes, np.uint8)
    Runner(config.store()).keep(request, Result(json.loads(request.canonical()), {"x": noise}))


def test_what_is_there_counts_too_so_that_going_on_never_removes_it(configured: Callable[..., None]) -> None:
    asked = sweep(units="0-127", sites=("mlp.hidden",), given={"data": "starter"})
    whole = cost_of(plan(asked), measure=False)
    assert whole.there == 0 and whole.bytes is not None
    configured(cache_limit_bytes=str(int(1.2 * whole.bytes)))
    cost_of(plan(asked), measure=False).refuse()
    first = next(iter(plan(asked).parts.values()))
    keep(first.request, whole.bytes // 2)
    told = cost_of(plan(asked), measure=False)
    assert told.there == pytest.approx(whole.bytes / 2, rel=0.05) and told.bytes is not None
    assert told.bytes < told.limit < told.there + told.bytes
    with pytest.raises(Unavailable, match=f"{gigabytes(told.there)} of which are there"):
        told.refuse()


def test_indexes_take_what_their_arrays_do() -> None:
    asked = sweep(what="index", units="", sites=("mlp.hidden",))
    told = cost_of(plan(asked))
    for part in plan(asked).parts.values():
        Runner(config.store()).fetch(part.request, lambda progress: None)
    assert told.bytes is not None and told.seconds is None
    assert 0.6 * config.store().stats()["bytes"] < told.bytes < 1.6 * config.store().stats()["bytes"]


def test_other_experiments_take_as_much_a_unit_as_those_that_are_stored_and_else_it_is_not_known(
    configured: Callable[..., None],
) -> None:
    asked = sweep(what="toy-layer", units="0-9", part=5, sites=("mlp.hidden",), given={})
    unknown = cost_of(plan(asked))
    assert unknown.bytes is None and "how much room, is known when the first part is done" in unknown.told
    unknown.refuse()
    other = sweep(what="toy-layer", models=("small-cnn",), units="0-1", part=2, sites=("stage.block",), given={})
    keep(next(iter(plan(other).parts.values())).request, 40_000)
    assert cost_of(plan(asked)).bytes == pytest.approx(6 * 40_000, rel=0.5), "of another model: as much a part"
    keep(next(iter(plan(asked).parts.values())).request, 500_000)
    told = cost_of(plan(asked))
    assert told.bytes == pytest.approx(5 * 500_000, rel=0.05) and told.there == pytest.approx(500_000, rel=0.05)
    assert (
        f"The rest takes about {gigabytes(told.bytes or 0)}, beside {gigabytes(told.there)} that are there" in told.told
    )
    configured(cache_limit_bytes="1 MiB")
    with pytest.raises(Unavailable, match=r"the cache may hold 1\.0 MB"):
        cost_of(plan(asked)).refuse()


def test_numbers_are_told_in_words() -> None:
    assert [duration(seconds) for seconds in (3, 89, 120, 7200, 200_000)] == [
        *("3 seconds", "89 seconds", "2.0 minutes", "2.0 hours", "2.3 days"),
    ]
    assert gigabytes(2_000_000) == "2.0 MB" and gigabytes(3_210_000_000) == "3.21 GB"
