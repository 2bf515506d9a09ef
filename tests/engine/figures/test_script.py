"""The script and the command make the same requests again, to the key."""

from __future__ import annotations

import ast
import importlib
import shlex
from typing import Any

import pytest

from engine.cli.arguments.commands import parser
from engine.core import experiments
from engine.core.errors import BadRequest
from engine.core.request import Request, build
from engine.figures import script
from tests.engine.figures.made import result
from vitrine.experiments import request as through_the_door


def asked(kind: str, **fields: Any) -> Request:
    return build(experiments.find(kind).kind, **fields)


REQUESTS = [
    asked("visualize", model="starter-vit", site="blocks.6.mlp.hidden", units=(0, 1, 2, 7)),
    asked(
        "visualize",
        model="starter-cnn",
        site="stages.2.blocks.1",
        targets=("3@1x1",),
        recipe="paper",
        seed=4,
        several=3,
    ),
    asked("counterfactual", model="starter-cnn", data="starter"),
    asked("background", model="starter-vit", data="starter", cut="mask", fills=("black", "noise"), limit=20),
    asked("explains", model="starter-vit", sites=("blocks.6.mlp.hidden",), units=(1, 2), recipes=("fast", "natural")),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: one.experiment)
def test_the_script_asks_for_the_same(request_: Request):
    (call,) = [node for node in ast.walk(ast.parse(script.python([request_]))) if _is_experiment(node)]
    assert isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    kind = experiments.find(call.func.attr.replace("_", "-")).kind
    given = {"model": ast.literal_eval(call.args[0])}
    given |= {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
    assert through_the_door(kind, given).key() == request_.key()


def _is_experiment(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr != "save"


def test_settings_at_their_default_are_left_out():
    line = script.python(REQUESTS[:1]).splitlines()[2]
    assert line == "result = vitrine.visualize('starter-vit@blocks.6.mlp.hidden:0-2,7')"


def test_several_results_have_names_of_their_own():
    names = [line.split(" = ")[0] for line in script.python(REQUESTS[:2]).splitlines() if " = " in line]
    assert names == ["result_0", "result_1"]


def test_the_command_is_one_that_the_command_line_takes():
    words = shlex.split(script.command(REQUESTS[0]))
    assert words[:3] == ["python", "-m", "engine"] and parser().parse_args(words[3:])
    seeded = asked("visualize", model="starter-vit", site="blocks.6.mlp.hidden", units=(0,), seed=3, recipe="paper")
    assert script.command(seeded).endswith("--recipe paper --seed 3 --out pictures")


class Stopped(Exception):
    """Nothing is computed: what was asked for is enough."""


@pytest.mark.parametrize(
    "request_",
    [
        *REQUESTS[2:],
        asked("frequency", model="starter-vit", data="starter", filter="gaussian", cutoffs=(0.1, 0.5), limit=9),
        asked("gradient-spectrum", model="starter-cnn", data="starter", images=8),
        asked("texture", model="starter-cnn", data="starter", limit=9),
        asked("unit-cues", model="starter-vit", site="blocks.6.mlp.hidden", data="starter", cut="mask", cutoff=0.3),
        asked("layer-paths", model="starter-vit", sites=("blocks.6.mlp.hidden",), units=(1, 2)),
        asked("index", model="starter-vit", site="blocks.6.mlp.hidden", data="starter"),
        asked("spatial-layers", model="starter-vit", data="starter"),
    ],
    ids=lambda one: one.experiment,
)
def test_the_command_asks_for_the_same(request_: Request, monkeypatch: pytest.MonkeyPatch):
    from engine.cli import asking

    seen: list[Request] = []

    def ask(request: Request):
        seen.append(request)
        raise Stopped

    names = ("asking", "derived", "rows", "spatial", "experiments", "background", "reliance")
    # All are imported before one is changed: a module that imports a changed `ask` would keep it when the test is over.
    for module in [importlib.import_module(f"engine.cli.{name}") for name in names]:
        monkeypatch.setattr(module, "ask", ask, raising=False)
    arguments = parser().parse_args(shlex.split(script.command(request_))[3:])
    module, function = arguments.command.split(":")
    assert asking.ask is ask
    with pytest.raises(Stopped):
        getattr(importlib.import_module(f"engine.cli.{module}"), function)(arguments)
    assert [each.key() for each in seen] == [request_.key()]


def test_where_no_command_says_everything_there_is_none():
    assert script.command(REQUESTS[1]) == ""
    assert script.command(asked("spatial-layers", model="starter-vit", data="starter", images=5)) == ""
    assert script.command(asked("purity", model="starter-vit")) == ""


def test_facts_of_results_become_requests_again_and_others_are_refused():
    (request_,) = script.again([result().request])
    assert request_ == asked("visualize", model="starter-vit", site="blocks.6.mlp.hidden", units=(3, 5))
    with pytest.raises(BadRequest):
        script.again([{"experiment": "visualize", "model": "x", "oops": 1}])
