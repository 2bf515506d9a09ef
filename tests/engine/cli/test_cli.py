"""The command line answers scripts with one JSON object, people with a table, and bad requests with one line."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from cache.blob import Blob
from engine.cli import arguments, main
from engine.cli.answer import Answer, plain, size, table
from engine.cli.asking import Bar
from engine.core import config
from engine.core.images import open_image
from engine.core.request import Progress, Result, parse_request
from tests.conftest import ROOT

MODEL = "starter-cnn"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three pictures: enough data for an experiment that takes no time."""
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(3):
        picture = random.integers(0, 255, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run a command with `--json` and read what it prints on standard output: all of it."""

    def asked(*argv: str, exit_code: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        code = main([*argv, "--json"])
        printed = capsys.readouterr()
        assert code == exit_code, printed.err
        assert printed.out.count("\n") == 1
        return json.loads(printed.out, parse_constant=pytest.fail)

    return asked


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that cannot be carried out; the one line that it says."""

    def said(*argv: str) -> str:
        capsys.readouterr()
        assert main([*argv]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("vitrine: ")
        assert printed.err.count("\n") == 1
        return printed.err

    return said


@pytest.fixture(scope="module")
def site() -> str:
    """A site in the middle of the model."""
    from engine.models import catalog

    names = list(catalog.load(MODEL).sites)
    return names[len(names) // 2]


def test_help_and_refusals_need_no_torch() -> None:
    script = "import sys; from engine.cli.arguments import parser; parser(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_recipes_on_the_command_line_are_the_engines() -> None:
    from engine.visualization.recipes import RECIPES

    assert set(arguments.RECIPES) == set(RECIPES)


def test_models_lists_the_catalog_with_what_scripts_rely_on(ask: Callable[..., dict[str, Any]]) -> None:
    models = {model["name"]: model for model in ask("models")["models"]}
    assert {"starter-vit", "starter-cnn", "efficientnet-lite0", "dinov2-s14-saliency"} <= models.keys()
    for model in models.values():
        assert model.keys() >= {"name", "kind", "architecture", "weights", "available", "top1"}
    assert models["starter-cnn"]["available"] is True


def test_sites_come_in_order_of_depth_with_units_and_grid(ask: Callable[..., dict[str, Any]]) -> None:
    sites = ask("sites", MODEL)["sites"]
    assert [site["depth"] for site in sites] == sorted(site["depth"] for site in sites)
    assert sites[-1]["site"] == "head.logits"
    for site in sites:
        height, width, prefix = site["grid"]
        assert site["units"] > 0 and height >= 1 and width >= 1
        assert prefix == 0, "a CNN has no prefix tokens"


def test_the_vit_has_one_prefix_token(ask: Callable[..., dict[str, Any]]) -> None:
    sites = {site["site"]: site for site in ask("sites", "starter-vit")["sites"]}
    assert sites["blocks.6.mlp.hidden"]["grid"] == [12, 12, 1]
    assert sites["blocks.6.mlp.hidden"]["units"] == 768


@pytest.mark.usefixtures("own_store")
def test_visualize_writes_the_pictures_that_the_result_holds(
    ask: Callable[..., dict[str, Any]], photos: Path, site: str, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "pictures"
    address = ("--model", MODEL, "--site", site, "--units", "3,1")
    told = ask("visualize", *address, "--seed", "5", "--data", str(photos), "--out", str(out))
    assert told.keys() >= {"request", "device", "seconds", "units"}
    assert told["stored"] is False
    blob = config.store().get(told["key"])
    assert blob is not None
    result = Result.from_blob(blob)
    assert [unit["unit"] for unit in told["units"]] == [3, 1]
    for unit, picture, activation in zip(
        told["units"], result.arrays["images"], result.tables["units"]["activation"], strict=True
    ):
        assert unit.keys() == {
            "unit", "activation", "percentile", "ratio_to_best_scene", "failed", "seconds", "spectrum_distance", "image",
        }  # fmt: skip
        assert unit["activation"] == activation
        assert np.array_equal(open_image(Path(unit["image"])), picture)
        assert Path(unit["image"]).parent == out
    assert {"numbers.csv", "request.json", "contact-sheet.png"} <= {path.name for path in out.iterdir()}
    assert json.loads((out / "request.json").read_text())["request"]["seed"] == 5
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


@pytest.mark.usefixtures("own_store")
def test_doctor_finds_the_repository_healthy(ask: Callable[..., dict[str, Any]]) -> None:
    told = ask("doctor")
    assert told["healthy"] is True
    assert told["problems"] == []
    assert told["device"]["kind"] in {"cpu", "cuda", "mps"}
    assert told["data"]["starter"] > 1000


def test_doctor_names_a_damaged_result_and_prune_removes_it(
    ask: Callable[..., dict[str, Any]], own_store: Path, photos: Path
) -> None:
    key = ask("index", "--model", MODEL, "--site", "head.logits", "--data", str(photos))["key"]
    files = [path for path in (own_store / "results").rglob("*") if path.is_file() and path.stat().st_size > 40_000]
    assert flipped_somewhere(files, key)
    told = ask("doctor", exit_code=1)
    assert told["healthy"] is False
    assert any(key in problem for problem in told["problems"])
    assert ask("cache", "prune")["damaged"] == 1
    assert ask("cache", "list")["results"] == []


def flipped_somewhere(files: list[Path], key: str) -> bool:
    """Change one byte in the middle of the stored blob; True when the store then refuses it."""
    for path in files:
        data = bytearray(path.read_bytes())
        if data[:16] == b"SQLite format 3\0":
            continue
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(bytes(data))
    config.store().close()
    config._open_store.cache_clear()
    return config.store().get(key) is None


def test_results_travel_in_one_file(
    ask: Callable[..., dict[str, Any]], own_store: Path, photos: Path, tmp_path: Path
) -> None:
    key = ask("index", "--model", MODEL, "--site", "head.logits", "--data", str(photos))["key"]
    before = config.store().get(key)
    bundle = tmp_path / "bundle.zip"
    assert ask("cache", "export", str(bundle), key)["results"] == 1
    assert ask("cache", "prune", "--all")["removed"] == 1
    assert ask("cache", "list")["entries"] == 0
    assert ask("cache", "import", str(bundle))["results"] == 1
    after = config.store().get(key)
    assert before is not None and after is not None
    assert after.to_bytes() == before.to_bytes()
    (listed,) = ask("cache", "list")["results"]
    assert (listed["key"], listed["request"]["experiment"]) == (key, "index")


@pytest.mark.parametrize("argv", ["list", "prune", "prune --all", "export {out}", "import {out}"])
def test_a_store_that_cannot_be_opened_is_said_in_its_own_words(
    argv: str, refused: Callable[..., str], own_store: Path, tmp_path: Path
) -> None:
    (own_store / "results").write_text("a file where the folder should be")
    said = refused("cache", *argv.format(out=tmp_path / "out.zip").split())
    assert said.startswith(f"vitrine: The result store in {own_store / 'results'} cannot be used: ")
    assert not said.rstrip().endswith("..") and not (tmp_path / "out.zip").exists()


@pytest.mark.parametrize("argv", ["prune", "prune --all", "import {out}"])
def test_a_store_that_can_only_be_read_refuses_what_changes_it_and_shows_what_it_holds(
    argv: str,
    ask: Callable[..., dict[str, Any]],
    refused: Callable[..., str],
    own_store: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    config.store().put("one", Blob({}, {}, {}))
    assert ask("cache", "export", str(tmp_path / "out.zip"))["results"] == 1
    config.store().close()
    config._open_store.cache_clear()
    readonly = sqlite3.OperationalError("attempt to write a readonly database")
    monkeypatch.setattr("cache.shelf.open_database", Mock(side_effect=readonly))
    assert "readonly database." in refused("cache", *argv.format(out=tmp_path / "out.zip").split())
    assert ask("cache", "list")["entries"] == 1
    assert ask("cache", "export", str(tmp_path / "again.zip"))["results"] == 1


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("", "COMMAND"),
        ("frobnicate", "frobnicate"),
        ("visualize --model starter-cnn --site stem --units 0:10000", "at most"),
        ("visualize --model starter-cnn --site stem --units=", "No units"),
        ("visualize --model starter-cnn --site stem --units one", "one"),
        ("visualize --model starter-cnn --site stem", "--units"),
        ("visualize starter-cnn@stem:0 --site stem", "--site"),
        ("visualize starter-cnn", "not an address"),
        ("visualize starter-cnn@stem:0 --recipe slow", "slow"),
        ("visualize starter-cnn@stem:0 --seed -1", "--seed"),
        ("visualize nobody@stem:0", "nobody"),
        ("visualize starter-cnn@nowhere:0", "nowhere"),
        ("visualize starter-cnn@stem:9999", "9999"),
        ("visualize starter-cnn@stem:0 --data no-such-folder", "no-such-folder"),
        ("visualize starter-cnn@stem:0 --out {file}/below", "cannot be written"),
        ("visualize starter-cnn@stem:0 --out {file}", "cannot be written"),
        ("index --model starter-cnn --site nowhere", "nowhere"),
        ("index --model starter-cnn --site stem --top 0", "top: write 1 or more."),
        ("index --model starter-cnn --site stem --data {file}", "neither a folder of images nor a Parquet file."),
        ("spectrum --models starter-cnn --limit 1", "--limit: write 2 or more."),
        ("index --model starter-cnn --site stem --data {empty}", "image"),
        ("sites nobody", "nobody"),
        ("cache", "ACTION"),
        ("cache import {file}", "ZIP"),
        ("cache import {file}.gone", "gone"),
        ("cache export {file}.zip nokey", "nokey"),
        ("cache export /", "Name the ZIP file"),
        ("cache export {empty}", "Name the ZIP file"),
        ("cache prune --limit lots", "lots"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("own_store")
def test_a_bad_request_is_one_line_that_names_what_is_wrong(
    refused: Callable[..., str], tmp_path: Path, argv: str, words: str
) -> None:
    (tmp_path / "file").write_text("not a folder, not a ZIP file")
    (tmp_path / "empty").mkdir()
    said = refused(*argv.format(file=tmp_path / "file", empty=tmp_path / "empty").split())
    assert words in said
    assert "Traceback" not in said and not said.rstrip().endswith("..")


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
    assert "The result is in the cache: that costs no work." in capsys.readouterr().err
    assert ask(*argv, str(tmp_path / "other"))["stored"] is True


def test_a_bug_is_one_line_and_another_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> Answer:
        print("a library's chatter")
        raise RuntimeError("the tenth\nbroke.")

    monkeypatch.setattr("engine.cli.carry_out", broken)
    assert main(["models", "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "RuntimeError: the tenth broke. VITRINE_DEBUG" in printed.err.splitlines()[-1]


def test_a_result_that_cannot_be_stored_is_said_in_words_for_the_command_line(
    own_store: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_store / "results").write_text("a file where the folder should be")
    assert main(["index", "--model", MODEL, "--site", "stem", "--data", str(photos)]) == 0
    said = capsys.readouterr().err
    assert "could not be stored" in said and "--out" in said and "Download" not in said


def test_stopping_has_its_own_exit_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(_: object) -> Answer:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.cli.carry_out", stopped)
    assert main(["models"]) == 130
    assert capsys.readouterr().out == ""


def test_chatter_of_a_library_stays_out_of_the_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def chatty(_: object) -> Answer:
        print("downloading...")
        return Answer({"loss": float("nan"), "units": np.int64(3)}, "")

    monkeypatch.setattr("engine.cli.carry_out", chatty)
    assert main(["models", "--json"]) == 0
    assert capsys.readouterr().out == '{"loss": null, "units": 3}\n'


def test_it_runs_as_a_module_and_leaves_standard_error_to_refusals(own_store: Path) -> None:
    run = [sys.executable, "-m", "engine"]
    good = subprocess.run([*run, "cache", "list", "--json"], cwd=ROOT, capture_output=True, text=True)
    assert (good.returncode, good.stderr) == (0, "")
    assert json.loads(good.stdout)["folder"] == str(own_store / "results")
    bad = subprocess.run([*run, "sites"], cwd=ROOT, capture_output=True, text=True)
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (2, "", 1)


def test_a_plain_stream_gets_few_lines_and_a_terminal_one_line() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    plainly, terminal = io.StringIO(), Terminal()
    for stream in (plainly, terminal):
        bar = Bar(stream)
        for step in range(100):
            bar.show(Progress(step, 100, "Making pictures"))
        bar.close()
    assert plainly.getvalue() == f"[{' ' * 24}]   0% Making pictures\n"
    assert "\n" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_a_table_has_straight_columns_and_shows_what_is_missing() -> None:
    text = table(("unit", "activation"), [(3, 1.23456), (12, float("nan"))])
    assert text == "unit  activation\n   3       1.235\n  12           -"


def test_numbers_of_numpy_become_plain_ones() -> None:
    found = plain({"a": np.float32(0.5), "b": [np.int64(2), (float("inf"),)], "c": Path("x")})
    assert found == {"a": 0.5, "b": [2, [None]], "c": "x"}


@pytest.mark.parametrize(
    ("text", "count"), [("500MB", 500_000_000), ("2 GiB", 2 << 30), ("1048576", 1 << 20), ("0", 0)]
)
def test_sizes_are_read_as_people_write_them(text: str, count: int) -> None:
    assert arguments.byte_count(text) == count


def test_sizes_are_written_for_people() -> None:
    assert [size(0), size(1500), size(4 << 30)] == ["0 bytes", "1.5 kB", "4.3 GB"]
