"""The experiment on concept units: planted layers stand out, and the command answers or refuses in a sentence."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from engine.cli import purity as command
from engine.concepts.purity import request as purity
from engine.concepts.purity.request import PurityRequest
from engine.core.errors import BadRequest
from engine.core.experiments import parse_request
from engine.core.request import Result, build
from engine.data.registry import open_dataset
from engine.sites.access import Site
from engine.sites.grid import Grid
from tests.conftest import hand_out
from tests.engine.world import Squares

# --- the whole experiment, on the starter's scenes, with planted units instead of a model's ---


class Planted:
    """A context whose index holds one unit for each of the first concepts in the first layer, noise in the second."""

    units = 40

    def __init__(self) -> None:
        self.seen: list[str] = []

    def report(self, progress) -> None:
        self.seen.append(progress.message)

    def compute(self, request) -> Result:
        dataset = open_dataset("starter")
        known = purity.tag_truth(dataset)
        values = np.random.default_rng(3).normal(size=(len(dataset), self.units)).astype(np.float32)
        if request.site == "blocks.0.mlp.hidden":
            values[known.numbers] = known.matrix[:, : self.units]
        return Result({}, {"images": np.arange(len(dataset), dtype=np.int32), "position_mean": values})

    def keep(self, request, result, spare=False) -> None:
        raise AssertionError("this experiment keeps nothing else")


def planted_model(clip: object = None) -> SimpleNamespace:
    sites = [Site(f"blocks.{b}.mlp.hidden", Planted.units, Grid(2, 2, 1), b, "mlp.hidden", "") for b in (0, 1)]
    return SimpleNamespace(name="planted", sites={site.name: site for site in sites}, clip=clip)


@pytest.fixture(scope="module")
def result() -> Result:
    patch = pytest.MonkeyPatch()
    hand_out(patch, {"planted": planted_model()})
    try:
        return build(PurityRequest, model="planted").run(Planted())
    finally:
        patch.undo()


def test_the_experiment_tells_planted_layers_from_random_ones(result: Result) -> None:
    first, second = result.tables["layers"].to_dict("records")
    assert first["concept_units"] == 1
    assert second["baseline_low"] <= second["concept_units"] <= max(second["baseline_high"], 0.2)
    assert first["auroc"] == first["average_precision"] == 1
    for row in (first, second):
        assert row["low"] <= row["concept_units"] <= row["high"]
        assert 1 <= row["independent"] <= row["units"] == Planted.units
    assert first["baseline"] < 0.01  # the floor stops what is all but silent where its concept is not
    assert second["baseline"] == pytest.approx(0.045, abs=0.01)
    units = result.tables["units"]
    known = purity.tag_truth(open_dataset("starter"))
    assert units["tag"][: Planted.units].tolist() == [*known.tags[: Planted.units]]
    assert units["address"].iloc[-1] == "planted@blocks.1.mlp.hidden:39"
    concepts = result.tables["concepts"].set_index("tag")
    assert concepts.loc[known.tags[3], "units"] >= 1
    assert result.arrays["auroc"].shape == (2 * Planted.units, len(known.tags))
    assert result.facts["language"] is False


def test_a_result_of_it_goes_into_the_store_and_back(result: Result) -> None:
    back = Result.from_blob(result.to_blob())
    pd.testing.assert_frame_equal(back.tables["units"], result.tables["units"])
    assert parse_request(json.dumps(result.request)) == build(PurityRequest, model="planted")


def test_a_role_that_the_model_lacks_is_refused_with_those_that_it_has() -> None:
    with pytest.raises(BadRequest, match=r"no sites of the role “stage.block”. It has: mlp.hidden"):
        purity.sites_of_role(planted_model(), "stage.block")


def test_a_data_set_without_tags_is_refused_before_the_work(monkeypatch) -> None:
    class Idle(Planted):
        def compute(self, request) -> Result:
            pytest.fail("nothing may be computed")

    hand_out(monkeypatch, {"planted": planted_model()})
    monkeypatch.setattr(purity, "open_dataset", lambda name: Squares())
    with pytest.raises(BadRequest, match="have no tags"):
        build(PurityRequest, model="planted", data="squares").run(Idle())


def test_the_command_answers_with_layers_and_a_sentence(result: Result, monkeypatch) -> None:
    monkeypatch.setattr(command, "ask", lambda request: (result, True))
    hand_out(monkeypatch, {"planted": planted_model()})
    answer = command.purity(SimpleNamespace(models=["planted"], role="mlp.hidden", data="starter"))
    facts = json.loads(answer.as_json())
    (model,) = facts["models"]
    assert model["model"] == "planted"
    assert [layer["layer"] for layer in model["layers"]] == [0, 1]
    assert model["layers"][0]["concept_units"] == 1
    assert model["layers"][0]["interval"][1] == pytest.approx(1)
    assert model["layers"][1]["baseline"] == pytest.approx(0.05, abs=0.01)
    assert answer.text.endswith(facts["sentence"])


def test_a_model_without_such_layers_is_refused_before_another_is_measured(monkeypatch) -> None:
    sites = {"stages.0": Site("stages.0", 4, Grid(2, 2), 0, "stage.block", "stages.0")}
    models = {"planted": planted_model(), "cnn": SimpleNamespace(name="cnn", sites=sites, clip=None)}
    hand_out(monkeypatch, models)
    monkeypatch.setattr(command, "ask", lambda request: pytest.fail("nothing may be measured"))
    with pytest.raises(BadRequest, match=r"cnn has no sites of the role “mlp\.hidden”"):
        command.purity(SimpleNamespace(models=["planted", "cnn"], role="mlp.hidden", data="starter"))


def test_the_command_wants_a_model() -> None:
    with pytest.raises(BadRequest, match="--models"):
        command.purity(SimpleNamespace(models=[], role="mlp.hidden", data="starter"))
