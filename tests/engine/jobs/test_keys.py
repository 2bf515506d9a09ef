"""A request's results in two precisions stand side by side: this machine's is taken first, another one is labelled."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from cache import archive
from cache.store import ResultStore
from engine.core import devices
from engine.core.errors import BadRequest
from engine.core.request import Context, Request, Result
from engine.jobs import keys
from engine.jobs.runner import Runner
from engine.jobs.scheduler import Jobs
from engine.spatial.last import LastLayerRequest
from engine.spatial.layers import LayersRequest
from tests.conftest import compute_in
from tests.engine.jobs.playing import SECONDS, Play, Stage

PLAY = Play(name="a")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`machine("bfloat16")`: from here on this is a machine that computes in bfloat16."""

    compute_in(monkeypatch, "float32")
    return partial(compute_in, monkeypatch)


def computed(store: ResultStore, request: Request = PLAY) -> Result:
    return Runner(store).fetch(request, lambda progress: None)


def test_results_of_both_precisions_coexist_and_each_machine_gets_its_own(store, machine, stage: Stage):
    plain = computed(store)
    machine("bfloat16")
    Runner(store).keep(PLAY, Result({"name": "b"}))
    assert {entry.key for entry in store.entries()} == {f"{PLAY.key()}.float32", f"{PLAY.key()}.bfloat16"}
    assert computed(store).request == {"name": "b"}
    machine("float32")
    assert computed(store).request == plain.request and stage.ran == ["a"]


def test_a_result_from_elsewhere_is_found_without_computing_and_labelled(store, machine, stage: Stage):
    machine("bfloat16")
    computed(store)
    machine("float32")
    result = computed(store)
    assert stage.ran == ["a"] and result.precision == "bfloat16" and result.key == f"{PLAY.key()}.bfloat16"
    assert keys.label(result) == "Computed in bfloat16; this machine computes in float32."
    machine("bfloat16")
    assert keys.label(result) == ""


def test_what_an_experiment_builds_on_has_its_own_precision_so_no_result_is_a_mixture(store, machine, stage: Stage):
    machine("bfloat16")
    computed(store)
    machine("float32")
    computed(store, Play(name="b", needs="a"))
    assert stage.ran == ["a", "b", "a"]
    assert {entry.key for entry in store.entries()} >= {f"{PLAY.key()}.float32", f"{PLAY.key()}.bfloat16"}


def test_a_result_says_where_it_is_stored_and_what_it_was_computed_in(store, machine):
    result = computed(store)
    assert result.key == keys.stored_key(PLAY.key()) == f"{PLAY.key()}.float32"
    assert result.precision == result.facts["precision"] == "float32"
    found = Runner(store).find(PLAY.key())
    assert found is not None and found.key == result.key and found.precision == "float32"


def test_one_of_both_is_found_by_its_own_key(store, machine):
    machine("bfloat16")
    computed(store)
    machine("float32")
    runner = Runner(store)
    assert runner.find(f"{PLAY.key()}.float32") is None
    assert runner.find(f"{PLAY.key()}.bfloat16") is not None


# Keys of requests for the starter models, written down when their numbers last changed their meaning: a key that changes
# without that would lose what people have stored. Under the bare key stood results before precision was part of it.
OLD: dict[str, Request] = {
    "u2wee55vmqpl24esl3kkrxmcq4": LayersRequest(model="starter-vit"),
    "xev62hvaf3bz64lq55ofumarma": LayersRequest(model="starter-cnn", images=24),
    "umspc4x3ennwywlwzwgvafmgze": LastLayerRequest(model="starter-vit"),
    "uudsajz4v3axf2jkd2iw7kdl6a": LastLayerRequest(model="starter-cnn", images=24),
}  # fmt: skip


@pytest.mark.parametrize("recorded", ["float32", "bfloat16"])
@pytest.mark.parametrize(("key", "request_"), OLD.items(), ids=lambda value: getattr(value, "experiment", ""))
def test_what_was_stored_before_is_found_where_its_precision_was_recorded(store, machine, recorded, key, request_):
    assert request_.key() == key
    store.put(key, Result({"old": True}, facts={"precision": recorded}).to_blob())
    result = Runner(store).find(key)
    assert result is not None and result.request == {"old": True} and result.precision == recorded
    assert bool(keys.label(result)) == (recorded == "bfloat16")


def test_what_was_stored_before_without_its_precision_is_computed_anew(store, machine, stage: Stage):
    store.put(PLAY.key(), Result({"old": True}).to_blob())
    assert computed(store).request == {"name": "a"} and stage.ran == ["a"]


def test_what_was_stored_before_in_several_precisions_at_once_is_computed_anew(store, machine, stage: Stage):
    """A result of visualize could be made of pictures from two machines."""
    store.put(PLAY.key(), Result({"old": True}, facts={"precision": "float32, bfloat16"}).to_blob())
    assert computed(store).request == {"name": "a"} and stage.ran == ["a"]


def test_an_old_result_of_this_machines_precision_goes_before_a_new_one_of_another(store, machine):
    store.put(PLAY.key(), Result({"old": True}, facts={"precision": "float32"}).to_blob())
    Runner(store).keep(PLAY, Result({"old": False}))
    store.delete(f"{PLAY.key()}.float32")
    machine("bfloat16")
    Runner(store).keep(PLAY, Result({"old": False}))
    machine("float32")
    result = Runner(store).find(PLAY.key())
    assert result is not None and result.request == {"old": True} and result.key == PLAY.key()


def test_what_an_experiment_builds_on_may_be_an_old_result_of_its_own_precision_only(store, machine, stage: Stage):
    store.put(PLAY.key(), Result({"old": True}, facts={"precision": "bfloat16"}).to_blob())
    computed(store, Play(name="b", needs="a"))
    assert stage.ran == ["b", "a"]


class Exact(Play):
    """An experiment that computes in float32 on every machine."""

    experiment: ClassVar[str] = "exact"
    always_float32: ClassVar[bool] = True


def test_what_is_always_computed_in_float32_is_the_same_result_on_every_machine(store, machine, stage: Stage):
    request = Exact(name="a")
    machine("bfloat16")
    result = computed(store, request)
    assert result.precision == "float32" and result.key == f"{request.key()}.float32"
    machine("float32")
    assert Runner(store).find(request.key(), only=keys.computes_in(request)) is not None


@pytest.mark.parametrize("name", ["words", "spatial-maps", "gradient-spectrum"])
def test_such_a_result_carries_no_label(machine, name):
    machine("bfloat16")
    assert keys.label(Result({"experiment": name}, facts={"precision": "float32"})) == ""
    assert keys.label(Result({"experiment": "index"}, facts={"precision": "float32"})) != ""


def test_an_archive_of_another_machine_is_found_and_labelled(store, machine, stage: Stage, tmp_path: Path):
    machine("bfloat16")
    computed(store)
    archive.export(store, tmp_path / "results.zip")
    machine("float32")
    here = ResultStore(tmp_path / "here")
    assert archive.import_(here, tmp_path / "results.zip") == 1
    jobs = Jobs(here)
    job = jobs.submit(PLAY)
    assert jobs.wait(job, SECONDS).status == "done" and stage.ran == ["a"], "computed once, on the other machine"
    result = jobs.result(job.id)
    assert result is not None and keys.label(result).startswith("Computed in bfloat16;")
    jobs.close()
    here.close()


def test_results_are_found_where_the_settings_ask_for_a_device_that_is_not_there(store, machine, monkeypatch):
    computed(store)

    def absent() -> None:
        raise BadRequest("The settings ask for device “cuda”, which torch cannot use here.")

    monkeypatch.setattr(devices, "pick", absent)
    assert Runner(store).find(PLAY.key()) is not None


class Looks(Play):
    """An experiment that takes what is there of another one, and computes nothing itself."""

    experiment: ClassVar[str] = "looks"

    def run(self, context: Context) -> Result:
        there = context.find(PLAY)
        return Result({"found": there is not None}, facts={} if there is None else {"of": there.precision})


def test_what_an_experiment_finds_is_of_its_own_precision_too(store, machine):
    machine("bfloat16")
    computed(store)
    machine("float32")
    assert computed(store, Looks(name="a")).request == {"found": False}
    computed_here = Runner(store).fetch(PLAY, lambda progress: None, nested=True)
    assert computed_here.precision == "float32"
    assert computed(store, Looks(name="b")).facts["of"] == "float32"
