"""The store stays within its limit: what goes first, what stays, and what nobody owns is swept."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cache import store as store_module
from cache.store import ResultStore

MIB = 1 << 20


def keys(store: ResultStore) -> set[str]:
    return {entry.key for entry in store.entries()}


def test_what_was_stored_first_goes_first_and_only_as_much_as_needed(tmp_path: Path, blob_of: Callable) -> None:
    store = ResultStore(tmp_path / "results", limit_bytes=10 * MIB)
    for number in range(4):
        store.put(f"k{number}", blob_of(number, 4 * MIB))
    assert keys(store) == {"k2", "k3"}
    assert len(list(store.folder.glob("??/*.val"))) == 2
    store.close()


def test_a_result_larger_than_the_limit_is_kept_while_it_is_the_newest(tmp_path: Path, blob_of: Callable) -> None:
    store = ResultStore(tmp_path / "results", limit_bytes=10 * MIB)
    store.put("small", blob_of(1))
    store.put("huge", blob_of(2, 20 * MIB))
    assert keys(store) == {"huge"} and store.get("huge") is not None
    store.put("next", blob_of(3))
    assert keys(store) == {"next"}
    store.close()


def test_pinned_results_stay_whatever_the_limit(store: ResultStore, blob_of: Callable) -> None:
    for number in range(4):
        store.put(f"k{number}", blob_of(number))
    store.pin("k0")
    assert store.trim(0) == 2
    assert keys(store) == {"k0", "k3"}
    store.unpin("k0")
    assert store.trim(0) == 1
    assert keys(store) == {"k3"}


def test_trimming_to_the_limit_that_holds_removes_nothing(store: ResultStore, blob_of: Callable) -> None:
    store.put("a", blob_of(1))
    assert store.trim() == 0 and keys(store) == {"a"}


def test_a_result_that_was_used_again_outlives_one_that_was_not(store: ResultStore, blob_of: Callable) -> None:
    for number in range(4):
        store.put(f"k{number}", blob_of(number))
    store.get("k0")
    deadline = time.time() + 20
    while store.entries()[-1].key != "k0" and time.time() < deadline:  # use is noted in the background
        time.sleep(0.01)
    store.trim(2 * len(blob_of(0).to_bytes()))
    assert keys(store) == {"k0", "k3"}


def test_use_is_noted_once_an_hour_so_that_reading_does_not_write(
    store: ResultStore, blob_of: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[str] = []
    monkeypatch.setattr(store._shelf, "touch", noted.append)
    store.put("a", blob_of(1))
    for _ in range(5):
        store.get("a")
    assert noted == ["a"]
    monkeypatch.setattr(store_module, "USED_AGAIN_SECONDS", 0.0)
    store.get("a")
    assert noted == ["a", "a"]


# Orphans


def test_files_without_a_row_are_swept_at_opening_when_they_are_older_than_an_hour(
    store: ResultStore, blob_of: Callable
) -> None:
    store.put("a", blob_of(1))
    (kept,) = store.folder.glob("??/*.val")
    os.utime(kept, (1, 1))
    (store.folder / "aa").mkdir(exist_ok=True)
    old, young = store.folder / "aa" / ("1" * 30 + ".val"), store.folder / "aa" / ("2" * 30 + ".val")
    for path in (old, young):
        path.write_bytes(b"half a result")
    os.utime(old, (1, time.time() - 3700))
    store.close()
    reopened = ResultStore(store.folder)
    assert not old.exists() and young.exists() and kept.exists()
    assert reopened.get("a") is not None
    reopened.close()
