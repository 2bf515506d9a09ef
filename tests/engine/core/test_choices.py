"""What people may choose: the command line offers what the requests accept, and begins with what they begin with."""

from __future__ import annotations

import subprocess
import sys
from argparse import Action, ArgumentParser, _SubParsersAction
from typing import Any, get_args, get_type_hints

import pytest

from engine.cli.arguments.commands import parser
from engine.concepts.naming import NameUnitsRequest
from engine.concepts.search import FindUnitsRequest
from engine.core.request import Request
from engine.evaluation.index import IndexRequest
from engine.reliance.background import BackgroundRequest
from engine.reliance.frequency import FrequencyRequest
from engine.visualization.request import VisualizeRequest
from tests.conftest import ROOT

AUTO = "auto"
"""Stands for what the command line finds out by itself before it makes the request."""


def option(command: str, name: str) -> Action:
    """The command line's argument `--name` of a command."""
    groups = [action for action in parser()._actions if isinstance(action, _SubParsersAction)]
    made: ArgumentParser = groups[0].choices[command]
    return next(action for action in made._actions if f"--{name}" in action.option_strings)


def accepted(kind: type[Request], field: str) -> tuple[Any, ...]:
    """The values that a field takes: those of its Literal, or of its tuple's."""
    hint = get_type_hints(kind)[field]
    inner = get_args(hint)
    return get_args(inner[0]) if inner and inner[-1] is Ellipsis else inner


@pytest.mark.parametrize(
    ("command", "name", "kind"),
    [
        ("background", "cut", BackgroundRequest),
        ("background", "fills", BackgroundRequest),
        ("frequency", "filter", FrequencyRequest),
        ("concepts", "measure", NameUnitsRequest),
    ],
)
def test_the_command_line_offers_exactly_what_the_request_accepts(command: str, name: str, kind: type[Request]) -> None:
    offered = option(command, name).choices
    assert offered is not None
    assert [value for value in offered if value != AUTO] == [*accepted(kind, name)]


@pytest.mark.parametrize(
    ("command", "names", "kind"),
    [
        ("visualize", ("recipe", "seed", "data", "several", "seeds", "opposite", "importance"), VisualizeRequest),
        ("index", ("data", "top"), IndexRequest),
        ("background", ("data", "fills", "limit"), BackgroundRequest),
        ("frequency", ("data", "filter", "limit"), FrequencyRequest),
        ("concepts", ("data", "reader", "vocabulary", "template", "measure"), NameUnitsRequest),
        ("concepts", ("data", "reader", "vocabulary", "template", "role"), FindUnitsRequest),
    ],
)
def test_what_is_not_said_on_the_command_line_is_what_the_request_takes(
    command: str, names: tuple[str, ...], kind: type[Request]
) -> None:
    for name in names:
        told, default = option(command, name).default, kind.model_fields[name].default
        assert (tuple(told) if isinstance(told, list) else told) == default, name


def test_the_choices_need_nothing_but_the_standard_library() -> None:
    script = (
        "import sys; before = {*sys.modules}; import engine.core.choices; "
        "print({name.partition('.')[0] for name in {*sys.modules} - before} - {*sys.stdlib_module_names, 'engine'})"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
