"""One unit's result out of that of many: found under its own key, with the same picture and the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.core import config
from engine.core.request import Result, build
from engine.jobs import keys
from engine.jobs.runner import Runner
from engine.visualization import recipes
from engine.visualization.request import VisualizeRequest
from engine.visualization.single import PictureRequest
from tests.conftest import compute_in, hand_out
from tests.engine.small import small_vit

SITE = "blocks.1.mlp.hidden"


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, own_store: object) -> None:
    hand_out(monkeypatch, {"small-vit": small_vit()})
    compute_in(monkeypatch, "float32")
    quick = recipes.FAST.model_copy(update={"steps": 3, "finish": None})
    monkeypatch.setitem(recipes.RECIPES, "fast", quick)


@pytest.fixture
def runner() -> Runner:
    return Runner(config.store())


def asked(**fields: Any) -> VisualizeRequest:
    return build(VisualizeRequest, **{"model": "small-vit", "site": SITE, "data": "photos", **fields})


def computed(runner: Runner, request: VisualizeRequest) -> Result:
    return runner.fetch(request, lambda progress: None)


def test_each_unit_of_a_result_is_found_alone_with_its_picture_and_numbers(runner: Runner) -> None:
    whole = computed(runner, asked(units=(3, 8, 21), opposite=True))
    for place, unit in enumerate((3, 8, 21)):
        alone = runner.find(asked(units=(unit,), opposite=True).key())
        assert alone is not None and alone.request["units"] == [unit]
        for name, array in alone.arrays.items():
            expected = whole.arrays[name] if name == "on_images" else whole.arrays[name][[place]]
            assert np.array_equal(array, expected) and array.dtype == expected.dtype, name
        assert alone.tables["units"].equals(whole.tables["units"].iloc[[place]].reset_index(drop=True))
        assert alone.facts.keys() == whole.facts.keys() and alone.precision == "float32"
    assert runner.find(asked(units=(4,), opposite=True).key()) is None
    assert runner.find(asked(units=(3,)).key()) is None, "that one has no opposite"


def test_its_pictures_are_found_too_and_take_no_room_of_their_own(runner: Runner) -> None:
    whole = computed(runner, asked(units=(3, 8), opposite=True))
    stored = {entry.facts_request["experiment"] for entry in config.store().entries() if entry.facts_request}
    assert stored == {"index", "visualize"}
    for direction, which in ((1, "images"), (-1, "opposite_images")):
        request = PictureRequest(model="small-vit", site=SITE, wanted="8", recipe="fast", seed=0, direction=direction)
        found = runner.find(request.key())
        assert found is not None and found.request == {"experiment": "picture", "version": 3, **request.model_dump()}
        assert np.array_equal(found.arrays["image"], whole.arrays[which][1])
        assert found.arrays["curve"].shape == (3,) and found.facts["batch"] >= 1
        assert found.key == keys.stored_key(request.key(), "float32")


def test_a_picture_cut_out_is_what_was_kept_while_the_result_was_made(runner: Runner) -> None:
    """Facts and arrays alike: who finds it cannot tell which of the two it is."""
    kept: dict[str, Result] = {}
    keep = runner.keep

    def note(request: Any, result: Result, spare: bool = False) -> bool:
        kept[request.key()] = result
        return keep(request, result, spare)

    runner.keep = note  # type: ignore[method-assign]
    computed(runner, asked(units=(3, 8)))
    for key, before in kept.items():
        if before.request["experiment"] == "picture":
            now = runner.find(key)
            assert now is not None and now.request == before.request and now.facts.keys() == before.facts.keys()
            assert all(np.array_equal(now.arrays[name], array) for name, array in before.arrays.items())
            assert now.facts["fingerprints"] == before.facts["fingerprints"]


def test_what_was_made_of_units_is_not_made_again_for_others(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    first = computed(runner, asked(units=(3, 8)))
    made: list[int] = []
    from engine.visualization import single

    maximize = single.maximize
    monkeypatch.setattr(single, "maximize", lambda *given: made.append(len(given[2])) or maximize(*given))
    second = computed(runner, asked(units=(8, 5, 3)))
    assert made == [1]
    assert np.array_equal(second.arrays["images"][[2, 0]], first.arrays["images"])


def test_units_that_are_all_there_are_put_together_and_nothing_is_computed(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = computed(runner, asked(units=(3, 8, 21)))
    for makes in ("complete", "controls_of"):
        monkeypatch.setattr(f"engine.visualization.request.{makes}", lambda *given: 1 / 0)
    again = computed(runner, asked(units=(21, 3)))
    assert again.tables["units"]["unit"].tolist() == [21, 3]
    for name, array in again.arrays.items():
        expected = whole.arrays[name] if name == "on_images" else whole.arrays[name][[2, 0]]
        assert np.array_equal(array, expected), name
    assert again.facts.keys() == whole.facts.keys()


@pytest.mark.parametrize("fields", [{"several": 2}, {"seeds": 2}, {"start": "1"}, {"targets": ("head1",)}])
def test_results_that_compare_or_begin_with_an_image_hold_none(runner: Runner, fields: dict[str, Any]) -> None:
    request = asked(units=(3, 8), **fields)
    facts = {"experiment": "visualize", "version": request.version, **request.model_dump(mode="json")}
    assert [*VisualizeRequest.inside(facts, request.fingerprints())] == []
    older = {**facts, "version": 5}
    assert [*VisualizeRequest.inside(older, request.fingerprints())] == []
