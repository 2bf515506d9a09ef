"""Commands that follow from the registry: a plugin's experiment, and those of our own without a written command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.cli import main
from engine.core.experiments import find, parse_request
from engine.data.registry import open_dataset
from tests import toy

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def brightness(tmp_path: Path, plugins: Callable[..., None]) -> None:
    plugins(toy.package(tmp_path, "toy_on_the_command_line"))


def test_an_experiment_of_a_plugin_is_a_command(brightness: None, ask: Ask) -> None:
    told = ask("brightness", "--images", "2")
    grey = [float(open_dataset("starter").image(number).mean()) for number in range(2)]
    assert told["tables"] == {"brightness": [{"image": n, "grey": pytest.approx(grey[n])} for n in range(2)]}
    assert told["key"] == parse_request(told["request"]).key() and told["stored"] is False
    assert ask("brightness", "--images", "2")["stored"] is True
    assert ask("brightness", "--images", "2", "--squared")["tables"]["brightness"][0]["grey"] > grey[0]


def test_its_help_comes_from_its_fields(brightness: None, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["brightness", "--help"])
    told = capsys.readouterr().out
    assert "How bright the first images" in told
    assert "how many images are looked at (default: 3)" in told and "--no-squared" in told


def test_people_read_its_tables_and_the_key(brightness: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["brightness", "--images", "1"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("Brightness\n") and "image" in told and "key " in told


def test_what_a_result_would_be_misread_without_is_said_first(
    brightness: None, ask: Ask, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask("brightness", "--images", "1")["notes"] == []
    monkeypatch.setattr(find("brightness").kind, "notes", lambda result: [f"Of {result.request['images']} image only."])
    assert ask("brightness", "--images", "1")["notes"] == ["Of 1 image only."]
    assert main(["brightness", "--images", "1"]) == 0
    assert capsys.readouterr().out.startswith("Brightness\n\nOf 1 image only.\n")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("--images 0", "images: write 1 or more"),
        ("--images two", "images"),
        ("--data nowhere", "no data set"),
        ("--colours 3", "--colours"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    brightness: None, refused: Callable[..., str], argv: str, words: str
) -> None:
    assert words in refused("brightness", *argv.split())


def test_units_and_choices_are_read_as_on_the_other_commands(ask: Ask) -> None:
    told = ask("zero-shot", "--texts", "a red boat", "a dog", "--image", "17")
    assert [row["text"] for row in told["tables"]["texts"]] == ["a red boat", "a dog"]
    assert sum(row["probability"] for row in told["tables"]["texts"]) == pytest.approx(1, abs=1e-5)
