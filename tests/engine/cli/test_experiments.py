"""`visualize` and `index`: pictures and numbers as the result holds them, from the store where they are there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.cli import main
from engine.cli.asking import data_name
from engine.core import config
from engine.core.experiments import parse_request
from engine.core.images import open_image
from engine.core.request import Result
from engine.data.registry import paths_may_be_typed
from engine.jobs.keys import stored_key

MODEL = "starter-cnn"


@pytest.mark.usefixtures("own_store")
def test_visualize_writes_the_pictures_that_the_result_holds(
    ask: Callable[..., dict[str, Any]], photos: Path, site: str, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "pictures"
    address = ("--model", MODEL, "--site", site, "--units", "3,1")
    told = ask("visualize", *address, "--seed", "5", "--data", str(photos), "--out", str(out))
    assert told.keys() >= {"request", "device", "seconds", "units"}
    assert told["stored"] is False
    blob = config.store().get(stored_key(told["key"]))
    assert blob is not None
    result = Result.from_blob(blob)
    assert [unit["unit"] for unit in told["units"]] == [3, 1]
    for unit, picture, activation in zip(
        told["units"], result.arrays["images"], result.tables["units"]["activation"], strict=True
    ):
        assert unit.keys() == {
            "unit", "activation", "margin", "control", "percentile", "ratio_to_best_scene", "ratio_as_is", "failed", "seconds",
            "image",
        }  # fmt: skip
        assert unit["activation"] == activation
        assert np.array_equal(open_image(Path(unit["image"])), picture)
        assert Path(unit["image"]).parent == out
    assert {"numbers.csv", "request.json", "contact-sheet.png"} <= {path.name for path in out.iterdir()}
    assert json.loads((out / "request.json").read_text())["request"]["seed"] == 5
    with paths_may_be_typed():
        data_name(str(photos))
        assert parse_request(told["request"]).key() == told["key"]


@pytest.mark.usefixtures("own_store")
def test_the_same_request_again_comes_from_the_store(
    ask: Callable[..., dict[str, Any]], photos: Path, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask("visualize", "--model", MODEL, "--site", site, "--units", "0:2", "--data", str(photos))
    monkeypatch.chdir(photos.parent)
    second = ask("visualize", f"{MODEL}@{site}:0-1", "--data", "photos/../photos")
    assert (first["stored"], second["stored"]) == (False, True)
    assert {**first, "stored": True} == second
    assert [unit["image"] for unit in second["units"]] == [None, None]


@pytest.mark.usefixtures("own_store")
def test_index_counts_images_and_units(ask: Callable[..., dict[str, Any]], photos: Path, site: str) -> None:
    units = {entry["site"]: entry["units"] for entry in ask("sites", MODEL)["sites"]}[site]
    told = ask("index", "--model", MODEL, "--site", site, "--data", str(photos))
    assert (told["model"], told["site"], told["images"], told["units"]) == (MODEL, site, 3, units)
    assert told["seconds"] >= 0


@pytest.mark.usefixtures("own_store")
def test_index_says_what_was_left_out(
    ask: Callable[..., dict[str, Any]], photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "1.png").write_bytes(b"no picture")
    argv = ("index", "--model", MODEL, "--site", "head.logits", "--data", str(photos))
    told = ask(*argv)
    assert (told["images"], told["skipped"]) == (2, [["1.png", "1.png is not a PNG, JPEG or WebP image."]])
    assert main([*argv]) == 0
    _, left_out = capsys.readouterr().out.splitlines()
    assert left_out == "left out: 1.png: 1.png is not a PNG, JPEG or WebP image."


@pytest.mark.usefixtures("own_store")
def test_file_names_that_are_not_utf8_do_not_get_in_the_way(
    ask: Callable[..., dict[str, Any]], refused: Callable[..., str], photos: Path, tmp_path: Path
) -> None:
    (photos / os.fsdecode(b"bad\xff.png")).write_bytes((photos / "0.png").read_bytes())
    (photos / os.fsdecode(b"bad\xff.txt")).touch()
    assert ask("index", "--model", MODEL, "--site", "head.logits", "--data", str(photos))["images"] == 4
    odd = os.fsdecode(bytes(tmp_path) + b"/odd\xff")
    assert ask("cache", "export", odd)["file"] == f"{tmp_path}/odd\\xff"
    (unit,) = ask("visualize", f"{MODEL}@stem:0", "--data", str(photos), "--out", f"{odd}.d")["units"]
    assert unit["image"].startswith(f"{tmp_path}/odd\\xff.d/")
    photos.rename(f"{odd}.photos")
    assert "UTF-8" in refused("index", "--model", MODEL, "--site", "head.logits", "--data", f"{odd}.photos")
