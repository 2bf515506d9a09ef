"""A request's results in two precisions stand side by side: this machine's is taken first, another one is labelled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cache.store import ResultStore
from engine.core.request import Request, Result
from engine.jobs import keys
from engine.jobs.runner import Runner
from engine.spatial.last import LastLayerRequest
from engine.spatial.layers import LayersRequest
from engine.visualization.request import VisualizeRequest
from engine.visualization.single import PictureRequest
from tests.engine.jobs.playing import Play, Stage

PLAY = Play(name="a")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`machine("bfloat16")`: from here on this is a machine that computes in bfloat16."""

    def computes_in(precision: str) -> None:
        monkeypatch.setattr(keys, "here", lambda: precision)

    computes_in("float32")
    return computes_in


def computed(store: ResultStore, request: Request = PLAY) -> Result:
    return Runner(store).fetch(request, lambda progress: None)


def test_results_of_both_precisions_coexist_and_each_machine_gets_its_own(store, machine, stage: Stage):
    plain = computed(store)
    machine("bfloat16")
    Runner(store).keep(PLAY.key(), Result({"name": "b"}))
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
    assert result.key == keys.place(PLAY.key()) == f"{PLAY.key()}.float32"
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


# Keys of requests for the starter models as they were before precision was part of where results stand: written down then.
OLD: dict[str, Request] = {
    "k4mpeotutz4nbhh2pgqa7mfgge": VisualizeRequest(
        model="starter-vit", site="blocks.6.mlp.hidden", units=(0, 1, 2, 3)
    ),
    "goxrp5axbmo5jarqovwddqadyi": VisualizeRequest(
        model="starter-cnn", site="stages.2.blocks.1", units=(5,), targets=("120@3x5",), recipe="paper", seed=7,
        opposite=True, start="17", importance=True, several=2, seeds=2,
    ),
    "cxl7ppsbyw62cbufhwmounwxhm": PictureRequest(
        model="starter-vit", site="blocks.6.mlp.hidden", wanted="11", recipe="fast", seed=0
    ),
    "egqdhbsjln7xman2ozhcfhmhv4": PictureRequest(
        model="starter-vit", site="blocks.6.mlp.hidden", wanted="match:17", recipe="reconstruct", seed=3, direction=-1,
        data="starter",
    ),
    "w3mslwlz4ip7xsv4nprehmfqne": LayersRequest(model="starter-vit"),
    "kp3m4s4a223huj2glxorjkng7u": LayersRequest(model="starter-cnn", images=24),
    "hdq3kbhvropmykn3akofpqbgna": LastLayerRequest(model="starter-vit"),
    "2s4tthljupdlz7jkpsscwgl7oy": LastLayerRequest(model="starter-cnn", images=24),
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
