"""The store keeps what it was given, within its limit, and says what it could not keep or read."""

from __future__ import annotations

import errno
import logging
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cache.blob import Blob
from cache.store import ResultStore, StoreUnavailable

MIB = 1 << 20


def test_a_result_is_there_until_it_is_deleted(store: ResultStore, blob_of: Callable) -> None:
    assert store.get("a") is None and not store.has("a")
    store.put("a", blob_of(7))
    found = store.get("a")
    assert found is not None and found.arrays["x"][0] == 7 and store.has("a")
    store.put("a", blob_of(8))
    again = store.get("a")
    assert again is not None and again.arrays["x"][0] == 8
    store.delete("a")
    assert store.get("a") is None and not store.has("a") and store.problems() == []


def test_small_and_large_results_survive_a_restart(tmp_path: Path, blob_of: Callable) -> None:
    first = ResultStore(tmp_path / "results")
    for number, size in enumerate((1, 1000, 40_000, 3 * MIB)):
        first.put(f"k{number}", blob_of(number, size))
    first.close()
    second = ResultStore(tmp_path / "results")
    for number, size in enumerate((1, 1000, 40_000, 3 * MIB)):
        found = second.get(f"k{number}")
        assert found is not None and found.arrays["x"].shape == (size,) and found.arrays["x"][0] == number
    second.close()


def test_entries_say_what_is_stored(store: ResultStore, blob_of: Callable) -> None:
    before = time.time()
    store.put("a", blob_of(1))
    store.put("b", Blob(facts={"request": "not a mapping"}))
    store.pin("b")
    a, b = store.entries()
    assert (a.key, a.facts_request, a.pinned) == ("a", {"number": 1}, False)
    assert (b.key, b.facts_request, b.pinned) == ("b", None, True)
    assert a.bytes == len(blob_of(1).to_bytes()) and before <= a.stored_at <= time.time()
    assert [store.stored_at(key) for key in ("a", "b", "c")] == [a.stored_at, b.stored_at, None]
    assert store.stats() == {
        "entries": 2,
        "bytes": a.bytes + b.bytes,
        "limit_bytes": 4 << 30,
        "folder": str(store.folder),
    }


@pytest.mark.parametrize("key", ["", "../x", "a/b", ".hidden", "lease/x", "pin/x", "x" * 200, "a\n", "ü"])
def test_garbage_for_a_key_is_a_miss_and_is_never_stored_under(store: ResultStore, key: str) -> None:
    assert store.get(key) is None and not store.has(key)
    with pytest.raises(ValueError, match="not a key"):
        store.put(key, Blob())


def test_the_folder_is_private(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir(mode=0o777)
    store = ResultStore(tmp_path / "results")
    assert stat.S_IMODE(os.stat(store.folder).st_mode) == 0o700
    store.close()
    fresh = ResultStore(tmp_path / "new" / "results")
    assert stat.S_IMODE(os.stat(fresh.folder).st_mode) == 0o700
    fresh.close()


# Damage


def damage(path: Path, kind: str) -> None:
    data = bytearray(path.read_bytes())
    if kind == "truncated":
        data = data[: len(data) // 2]
    elif kind == "flipped":
        data[len(data) // 2] ^= 1
    elif kind == "foreign":
        data = bytearray(b"PNG" * 1000)
    path.write_bytes(data)
    if kind == "gone":
        path.unlink()


@pytest.mark.parametrize("kind", ["truncated", "flipped", "foreign", "gone"])
def test_a_damaged_file_is_a_miss_is_reported_and_is_healed_by_the_next_put(
    store: ResultStore, blob_of: Callable, kind: str
) -> None:
    store.put("a", blob_of(1))
    store.put("b", blob_of(2))
    (path,) = [p for p in store.folder.glob("??/*.val") if p.read_bytes() == blob_of(1).to_bytes()]
    damage(path, kind)
    assert store.get("a") is None and not store.has("a")
    assert len(store.problems()) == 1 and "result a cannot be used" in store.problems()[0]
    assert store.get("b") is not None
    store.put("a", blob_of(3))
    healed = store.get("a")
    assert healed is not None and healed.arrays["x"][0] == 3 and store.has("a")


@pytest.mark.parametrize("kind", ["truncated", "flipped", "foreign", "gone"])
def test_only_the_damaged_are_deleted_as_damaged(store: ResultStore, blob_of: Callable, kind: str) -> None:
    store.put("a", blob_of(1))
    store.put("b", blob_of(2))
    (path,) = [p for p in store.folder.glob("??/*.val") if p.read_bytes() == blob_of(1).to_bytes()]
    damage(path, kind)
    assert store.delete_damaged() == 1
    assert [entry.key for entry in store.entries()] == ["b"]


def test_what_cannot_be_read_just_now_or_is_of_another_version_is_not_deleted_as_damaged(
    store: ResultStore, blob_of: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> bytes:
        raise StoreUnavailable("The database is locked.")

    def broken(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    store.put("a", blob_of(1))
    data = bytearray(blob_of(1).to_bytes())
    data[8:10] = (7).to_bytes(2, "little")
    store.put_bytes("newer", bytes(data))
    assert store.delete_damaged() == 0
    for where, name, fails in ((store._shelf, "read", locked), (store._shelf._disk, "fetch", broken)):
        with monkeypatch.context() as now:
            now.setattr(where, name, fails)
            assert store.delete_damaged() == 0
    assert store.get("a") is not None and store.get("newer") is None


def test_a_truncated_file_is_noticed_without_reading_it(store: ResultStore, blob_of: Callable) -> None:
    store.put("a", blob_of(1))
    (path,) = store.folder.glob("??/*.val")
    damage(path, "truncated")
    assert not store.has("a")


def test_what_was_read_or_found_damaged_is_not_remembered_for_ever(
    tmp_path: Path, blob_of: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cache.store._MOST_NOTED", 3)
    store = ResultStore(tmp_path / "few")
    for number in range(9):
        store.put(f"k{number}", blob_of(1))
        assert store.get(f"k{number}") is not None
        store.put_bytes(f"d{number}", b"nothing of ours")
        assert store.get(f"d{number}") is None
    assert [*store._noted] == ["k6", "k7", "k8"] and [*store._damaged] == ["d6", "d7", "d8"]
    store.close()


# Settings


def test_each_problem_is_logged_once_and_listed_once(store: ResultStore, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "cache.store"):
        for text in ("The disk is slow.", "The disk is slow.", "The disk is gone."):
            store.report(text)
    assert [record.message for record in caplog.records] == ["The disk is slow.", "The disk is gone."]
    assert store.problems()[-2:] == ["The disk is slow.", "The disk is gone."]
