"""`background`, `frequency` and their relatives on the command line: the keys that scripts rely on, on a few scenes."""

from __future__ import annotations

import pytest

from engine.cli import main
from engine.core import config

MODEL = "starter-cnn"


@pytest.mark.parametrize("command", ["counterfactual", "texture", "spectrum"])
def test_the_smaller_measurements_answer_for_every_model(ask, command):
    (model,) = ask(command, "--models", MODEL, "--limit", "4")["models"]
    assert model["model"] == MODEL
    expected = {
        "counterfactual": {"reliance", "reliance_interval", "drop", "lives", "accuracy", "answers"},
        "texture": {"shape_bias", "variants"},
        "spectrum": {"layers", "rings", "role"},
    }
    assert model.keys() >= expected[command]


@pytest.mark.usefixtures("own_store")
@pytest.mark.parametrize("command", ["background", "frequency", "texture"])
def test_a_model_that_is_not_there_is_refused_before_any_is_measured(capsys, command):
    assert main([command, "--models", MODEL, "no-such-model", "--limit", "4"]) == 2
    assert "no-such-model" in capsys.readouterr().err
    assert config.store().entries() == []


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["background", "--models", "no-such-model"], "no model"),
        (["background", "--models", MODEL, "--data", "/nowhere"], "no data set"),
        (["frequency", "--models", MODEL, "--cutoffs", "0.5", "0.1"], "increasing fractions of Nyquist"),
        (["challenge", "--models", MODEL], "not laid out like the Backgrounds Challenge"),
        (["background", "--models", "dinov2-s14-saliency", "--data", "photos"], ""),
    ],
)
def test_what_cannot_be_is_one_line(capsys, argv, told):
    assert main(argv) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1 and told in printed.err
