"""`sweep`: what it would be, carrying it out, watching and stopping it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from engine.jobs import scheduler
from engine.sweeps import running

ASKED = ("sweep", "starter-cnn", "--sites", "stages.0.*", "--units", "0-2", "--part", "2")


@pytest.fixture(autouse=True)
def world(own_store: Path, configured: Callable[..., None], photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(data_folders={"three": str(photos)})
    monkeypatch.setattr(running, "POLL_SECONDS", 0.01)
    scheduler._open_jobs.cache_clear()


def test_a_dry_run_says_what_it_would_be_and_makes_nothing(ask: Callable[..., dict[str, Any]]) -> None:
    told = ask(*ASKED, "--data", "three", "--dry-run")
    assert told["pictures"] == told["parts"] // 2 * 3 and told["parts_there"] == told["pictures_there"] == 0
    assert told["seconds"] > 0 and 0 < told["bytes"] < told["limit_bytes"]
    assert ask("sweep", "--list")["sweeps"] == []


def test_indexes_are_swept_and_found_the_second_time(ask: Callable[..., dict[str, Any]]) -> None:
    asked = (*ASKED, "--experiment", "index", "--set", "top=2", "--data", "three")
    told = ask(*asked)
    assert told["status"] == "done" and told["done"] == told["parts"] > 0
    assert ask(*asked, "--dry-run")["parts_there"] == told["parts"]
    assert ask("sweep", "--status", told["sweep"]) == told
    assert [each["sweep"] for each in ask("sweep", "--list")["sweeps"]] == [told["sweep"]]
    ask("sweep", "--cancel", told["sweep"])
    assert ask("sweep", "--resume", told["sweep"])["status"] == "done"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("sweep",), "No model was given"),
        (("sweep", "starter-vit", "--set", "top"), "Write NAME=VALUE"),
        (("sweep", "starter-vit", "--data", "/tmp"), "“/tmp” has no name. Name the folder in vitrine.toml"),
        (("sweep", "--status", "../x"), "not the id of a sweep"),
        (("sweep", "--resume", "01234567"), "There is no sweep"),
    ],
)
def test_what_cannot_be_swept_is_one_line(refused: Callable[..., str], argv: tuple[str, ...], words: str) -> None:
    assert words in refused(*argv)


def test_what_units_lean_on_is_swept_layer_by_layer(ask: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    asked = ("sweep", "starter-cnn", "--sites", "stage.block", "--experiment", "unit-cues", "--set", "limit=40")
    planned = ask(*asked, "--dry-run")
    assert planned["parts"] > 1 and planned["parts_there"] == planned["pictures"] == 0
    told = ask(*asked)
    assert (told["status"], told["done"], told["failed"]) == ("done", planned["parts"], {})
    assert ask(*asked, "--dry-run")["parts_there"] == planned["parts"]
    assert ask("sweep", "--export", told["sweep"], "--out", str(tmp_path / "out"))["parts"] == planned["parts"]
    numbers = pd.read_csv(tmp_path / "out" / "numbers.csv")
    assert numbers["address"].is_unique and numbers["address"].str.startswith("starter-cnn@stages.").all()
    assert set(numbers["object_lean_leans"]) <= {"object", "background", "neither", "unknown"}
    assert len([*(tmp_path / "out" / "parts").glob("*/counts.csv")]) == planned["parts"]
