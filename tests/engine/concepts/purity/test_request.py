"""The experiment on concept units: planted layers stand out, and what cannot be measured is refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from engine.concepts.purity import request as purity
from engine.concepts.purity.request import PurityRequest
from engine.core.errors import BadRequest
from engine.core.experiments import parse_request
from engine.core.request import Result, build
from engine.data.registry import open_dataset
from tests.conftest import hand_out
from tests.engine.concepts.purity import planted
from tests.engine.concepts.purity.planted import Planted, planted_model
from tests.engine.world import Squares


@pytest.fixture
def result() -> Result:
    return planted.result()


def test_the_experiment_tells_planted_layers_from_random_ones(result: Result) -> None:
    first, second = result.tables["layers"].to_dict("records")
    assert first["concept_units"] == first["beyond_likeness"] == 1
    assert second["baseline_low"] <= second["nominal_units"] <= max(second["baseline_high"], 0.2)
    assert second["concept_units"] == 0
    assert first["auroc"] == first["average_precision"] == 1
    for row in (first, second):
        assert row["concept_units_low"] <= row["concept_units"] <= row["concept_units_high"]
        assert np.isnan(row["twin"])
        assert 1 <= row["independent"] <= row["units"] == Planted.units
    assert first["baseline"] < 0.01  # the floor stops what is all but silent where its concept is not
    assert second["baseline"] == pytest.approx(0.045, abs=0.01)
    units = result.tables["units"]
    known = purity.possible(purity.tag_truth(open_dataset("starter")))
    assert units["tag"][: Planted.units].tolist() == [*known.tags[: Planted.units]]
    assert units["address"].iloc[-1] == "planted@blocks.1.mlp.hidden:39"
    concepts = result.tables["concepts"].set_index("tag")
    assert concepts.loc[known.tags[3], "units"] >= 1
    shuffled = sum(row["shuffled"] * row["units"] for row in (first, second))
    assert concepts["by_chance"].sum() == pytest.approx(shuffled), "every unit that passes by chance has one concept"
    assert (concepts["by_chance_low"] <= concepts["by_chance_high"]).all() and concepts["by_chance_high"].max() >= 1
    assert result.facts["power_single"] < result.facts["power"] - 0.1
    assert {"twin_kind_units", "directions_kind_units", "directions_kind_units_low"} <= set(first)
    assert result.arrays["auroc"].shape == (2 * Planted.units, len(known.tags))
    assert result.facts["language"] is False
    assert result.facts["few"] == pytest.approx(0.67, abs=0.005)
    assert len(result.facts["left_out"]) + len(known.tags) == 148


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
