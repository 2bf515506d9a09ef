"""`--out`: what stands in the way is found before the work, and afterwards nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.cli import main
from engine.core import config

MODEL = "starter-cnn"


def test_a_folder_that_is_found_unwritable_costs_no_work(
    refused: Callable[..., str], tmp_path: Path, own_store: Path
) -> None:
    (tmp_path / "file").touch()
    refused("visualize", "starter-cnn@stem:0", "--out", str(tmp_path / "file"))
    assert config.store().entries() == []


@pytest.mark.usefixtures("own_store")
@pytest.mark.parametrize("name", ["contact-sheet.png", "numbers.csv", "request.json"])
def test_a_file_that_stands_in_the_way_costs_no_work(refused: Callable[..., str], tmp_path: Path, name: str) -> None:
    (tmp_path / "out" / name).mkdir(parents=True)
    said = refused("visualize", f"{MODEL}@stem:0", "--out", str(tmp_path / "out"))
    assert f"({name} in it is a folder)" in said
    assert config.store().entries() == []


@pytest.mark.usefixtures("own_store")
def test_what_cannot_be_written_after_the_work_is_in_the_cache_and_that_is_said(
    ask: Callable[..., dict[str, Any]], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out" / f"{MODEL}-stem-unit-0.png").mkdir(parents=True)
    argv = ("visualize", f"{MODEL}@stem:0", "--data", str(photos), "--out")
    assert main([*argv, str(tmp_path / "out")]) == 2
    assert "The result is in the cache, so nothing has to be computed again." in capsys.readouterr().err
    assert ask(*argv, str(tmp_path / "other"))["stored"] is True
