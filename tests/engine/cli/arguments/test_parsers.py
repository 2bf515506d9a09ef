"""Commands that come from the registry, and refusals in one line."""

from __future__ import annotations

import pytest

from engine.cli.arguments.commands import parser
from engine.cli.arguments.parsers import WRITTEN, LateParser, OneLineParser
from engine.core.errors import BadRequest
from engine.core.experiments import experiments
from engine.reliance.gradient_spectrum import GradientSpectrumRequest


def test_every_experiment_can_be_asked_for_on_the_command_line() -> None:
    commands = parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    assert {name for name in experiments() if name not in commands} == WRITTEN
    assert not WRITTEN - experiments().keys()


def test_how_many_images_a_measurement_takes_by_itself_is_said_as_it_is() -> None:
    commands = parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    own = GradientSpectrumRequest.model_fields["images"].default
    spectrum, texture = (" ".join(commands[name].format_help().split()) for name in ("spectrum", "texture"))
    assert f"sample of N images (default: {own})" in spectrum and "sample of N images (default: all)" in texture


def test_a_refusal_is_one_sentence_that_says_where_help_is() -> None:
    with pytest.raises(BadRequest, match=r"^unrecognized arguments: --nothing \(see tool --help\)\.$"):
        OneLineParser(prog="tool").parse_args(["--nothing"])


def test_options_that_come_late_are_learned_once_and_only_when_they_are_asked_for() -> None:
    learned = []

    def learn(late: LateParser) -> None:
        learned.append(late.prog)
        late.add_argument("--grey", type=int)

    late = LateParser(prog="late")
    late.learn = learn
    assert learned == []
    assert [late.parse_args(["--grey", text]).grey for text in ("1", "2")] == [1, 2]
    assert learned == ["late"]
