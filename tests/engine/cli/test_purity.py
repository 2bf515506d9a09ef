"""`concepts --purity`: layers and a sentence, or a refusal before anything is measured."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from engine.cli import purity as command
from engine.core.errors import BadRequest
from engine.sites.access import Site
from engine.sites.grid import Grid
from tests.conftest import hand_out
from tests.engine.concepts.purity.planted import planted_model, result


def test_the_command_answers_with_layers_and_a_sentence(monkeypatch) -> None:
    monkeypatch.setattr(command, "ask", lambda request: (result(), True))
    hand_out(monkeypatch, {"planted": planted_model()})
    answer = command.purity(SimpleNamespace(models=["planted"], role="mlp.hidden", data="starter"))
    facts = json.loads(answer.as_json())
    (model,) = facts["models"]
    assert model["model"] == "planted"
    assert [layer["layer"] for layer in model["layers"]] == [0, 1]
    assert model["layers"][0]["concept_units"] == model["layers"][0]["beyond_likeness"] == 1
    assert model["layers"][0]["beyond_likeness_interval"][1] == pytest.approx(1)
    assert model["layers"][1]["baseline"] == pytest.approx(0.05, abs=0.01)
    assert model["layers"][1]["concept_units"] <= 0.05
    assert model["twin"] is None and model["layers"][0]["twin"] is None
    assert "at the p-value of 1/1001 that a single unit needs" in answer.text and model["power_single"] < model["power"]
    assert "Units that single out one kind: planted " in answer.text and "; random directions " in answer.text
    assert model["overall"]["directions_kind_units_interval"][1] < 1
    assert "A unit with an AUROC of 0.77 is found in" in answer.text and "are left out" in answer.text
    assert "cannot be found, however clear" not in answer.text, "one of 40 units can be"
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
