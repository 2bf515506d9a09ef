"""`cache`: results are listed, pinned, removed and travel; a store that cannot be used says why."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from cache.blob import Blob
from engine.cli import main
from engine.core import config
from engine.jobs.keys import stored_key

MODEL = "starter-cnn"


def test_results_travel_in_one_file(
    ask: Callable[..., dict[str, Any]], own_store: Path, photos: Path, tmp_path: Path
) -> None:
    key = ask("index", "--model", MODEL, "--site", "head.logits", "--data", str(photos))["key"]
    before = config.store().get(stored_key(key))
    bundle = tmp_path / "bundle.zip"
    assert ask("cache", "export", str(bundle), key)["results"] == 1
    assert ask("cache", "prune", "--all")["removed"] == 1
    assert ask("cache", "list")["entries"] == 0
    assert ask("cache", "import", str(bundle))["results"] == 1
    after = config.store().get(stored_key(key))
    assert before is not None and after is not None
    assert after.to_bytes() == before.to_bytes()
    (listed,) = ask("cache", "list")["results"]
    assert (listed["key"], listed["request"]["experiment"]) == (stored_key(key), "index")


@pytest.mark.parametrize(
    "argv", ["list", "prune", "prune --all", "pin --list", "pin one", "unpin one", "export {out}", "import {out}"]
)
def test_a_store_that_cannot_be_opened_is_said_in_its_own_words(
    argv: str, refused: Callable[..., str], own_store: Path, tmp_path: Path
) -> None:
    (own_store / "results").write_text("a file where the folder should be")
    said = refused("cache", *argv.format(out=tmp_path / "out.zip").split())
    assert said.startswith(f"vitrine: The result store in {own_store / 'results'} cannot be used: ")
    assert not said.rstrip().endswith("..") and not (tmp_path / "out.zip").exists()


@pytest.mark.parametrize("argv", ["prune", "prune --all", "pin one", "unpin one", "import {out}"])
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


@pytest.mark.usefixtures("own_store")
def test_pinned_results_are_listed_and_outlive_pruning_until_they_are_unpinned(
    ask: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    for key in ("one", "two", "three"):
        config.store().put(key, Blob({}, {}, {"request": {"experiment": key}}))
    assert ask("cache", "pin", "one", "two")["pinned"] == ["one", "two"]
    assert {entry["key"] for entry in ask("cache", "pin", "--list")["results"]} == {"one", "two"}
    assert main(["cache", "pin", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == ["one", "two"]
    assert ask("cache", "prune", "--all")["removed"] == 1
    assert ask("cache", "unpin", "two")["unpinned"] == ["two"]
    assert ask("cache", "prune", "--all")["removed"] == 1
    assert [entry["key"] for entry in ask("cache", "list")["results"]] == ["one"]


@pytest.mark.usefixtures("own_store")
def test_what_cannot_be_pinned_is_named_and_nothing_is(
    ask: Callable[..., dict[str, Any]], refused: Callable[..., str]
) -> None:
    config.store().put("one", Blob({}, {}, {}))
    assert "No result “nokey” is stored" in refused("cache", "pin", "one", "nokey")
    assert "No result “nokey” is stored" in refused("cache", "unpin", "nokey")
    assert "--list" in refused("cache", "pin") and "--list" in refused("cache", "pin", "one", "--list")
    assert ask("cache", "pin", "--list")["results"] == []
