"""`doctor`: healthy when all is well, and a name for what is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cache.blob import Blob
from engine.cli import doctor
from engine.core import config
from engine.jobs.keys import stored_key

MODEL = "starter-cnn"


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


def test_before_a_server_starts_some_results_are_read_and_a_damaged_one_keeps_nobody_out(
    ask: Callable[..., dict[str, Any]], own_store: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ask("index", "--model", MODEL, "--site", "head.logits", "--data", str(photos))["key"]
    files = [path for path in (own_store / "results").rglob("*") if path.is_file() and path.stat().st_size > 40_000]
    assert flipped_somewhere(files, key)
    told = ask("doctor", "--deploy", exit_code=1)  # the settings of tests are no server
    assert any(key in remark for remark in told["remarks"]) and not any(key in problem for problem in told["problems"])
    for number in range(5):
        config.store().put(f"k{number}", Blob(facts={"request": {}, "facts": {}}))
    read: list[str] = []
    monkeypatch.setattr(config.store(), "get", read.append)
    doctor._stored([], [], 3)
    assert len({*read}) == 3


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
    return config.store().get(stored_key(key)) is None
