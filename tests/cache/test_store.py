"""The store keeps what it was given, within its limit, and says what it could not keep or read."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import diskcache
import numpy as np
import pytest

from cache import opening, shelf
from cache import store as store_module
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
    store.put("a", blob_of(1))
    store.put("b", Blob(facts={"request": "not a mapping"}))
    store.pin("b")
    a, b = store.entries()
    assert (a.key, a.facts_request, a.pinned) == ("a", {"number": 1}, False)
    assert (b.key, b.facts_request, b.pinned) == ("b", None, True)
    assert a.bytes == len(blob_of(1).to_bytes()) and abs(a.stored_at - time.time()) < 60
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


def test_a_truncated_file_is_noticed_without_reading_it(store: ResultStore, blob_of: Callable) -> None:
    store.put("a", blob_of(1))
    (path,) = store.folder.glob("??/*.val")
    damage(path, "truncated")
    assert not store.has("a")


def test_a_damaged_database_is_moved_aside_with_its_files(tmp_path: Path, blob_of: Callable) -> None:
    first = ResultStore(tmp_path / "results")
    first.put("a", blob_of(1))
    first.close()
    (tmp_path / "results" / "cache.db").write_bytes(b"this is not a database" * 1000)
    second = ResultStore(tmp_path / "results")
    second.put("b", blob_of(2))
    assert second.get("a") is None and second.get("b") is not None
    assert "moved to" in second.problems()[0]
    (aside,) = tmp_path.glob("results.damaged-*")
    assert [path.read_bytes() for path in aside.glob("??/*.val")] == [blob_of(1).to_bytes()]
    second.close()


# Settings


def test_settings_that_the_database_brings_along_are_overridden(
    store: ResultStore, sql: Callable, blob_of: Callable
) -> None:
    store.close()
    hostile = {"eviction_policy": "least-recently-used", "cull_limit": 10, "size_limit": 1, "statistics": 1}
    for name, value in hostile.items():
        sql("UPDATE Settings SET value = ? WHERE key = ?", value, name)
    for name in ("_directory", "_disk", "disk__directory", "disk_surprise", "_timeout"):
        sql("INSERT INTO Settings VALUES (?, '/etc')", name)
    reopened = ResultStore(store.folder)
    for number in range(5):
        reopened.put(f"k{number}", blob_of(number))
    assert [entry.key for entry in reopened.entries()] == [f"k{number}" for number in range(5)]
    assert reopened.problems() == []
    settings = dict(sql("SELECT key, value FROM Settings"))
    for name in hostile:
        assert settings[name] == opening._SETTINGS[name]
    assert "_directory" not in settings and "disk_surprise" not in settings
    reopened.close()


def test_settings_of_a_plain_diskcache_do_not_survive_our_opening(tmp_path: Path, blob_of: Callable) -> None:
    diskcache.Cache(str(tmp_path / "results"), size_limit=1000, eviction_policy="least-frequently-used").close()
    store = ResultStore(tmp_path / "results")
    for number in range(4):
        store.put(f"k{number}", blob_of(number))
    assert len(store.entries()) == 4
    store.close()


def test_every_setting_of_diskcache_is_given_explicitly() -> None:
    assert opening._SETTINGS.keys() == diskcache.core.DEFAULT_SETTINGS.keys()
    assert set(opening._COUNTERS) == set(diskcache.core.METADATA)


# Trimming


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


# Leases


def test_one_of_two_gets_the_lease_and_the_other_gets_it_afterwards(store: ResultStore) -> None:
    other = ResultStore(store.folder)
    with store.lease("k") as ours:
        assert ours
        with other.lease("k") as theirs:
            assert not theirs
        with other.lease("another") as theirs:
            assert theirs
    with other.lease("k") as theirs:
        assert theirs
    other.close()


def test_a_lease_is_renewed_while_its_holder_works(store: ResultStore) -> None:
    other = ResultStore(store.folder)
    with store.lease("k", seconds=1.5) as ours:
        assert ours
        time.sleep(2.5)
        with other.lease("k") as theirs:
            assert not theirs
    other.close()


def test_a_lease_whose_holder_fell_silent_runs_out(store: ResultStore, sql: Callable) -> None:
    assert store._shelf.add("lease/k", b'["", "somebody"]', 1.0)
    with store.lease("k") as ours:
        assert not ours
    time.sleep(1.1)
    with store.lease("k") as ours:
        assert ours


def test_a_lease_ends_with_an_exception_too(store: ResultStore) -> None:
    with pytest.raises(ZeroDivisionError), store.lease("k"):
        raise ZeroDivisionError
    with store.lease("k") as ours:
        assert ours


def test_leases_are_no_results(store: ResultStore) -> None:
    with store.lease("k"):
        assert store.entries() == [] and store.stats()["entries"] == 0


# Threads


def test_short_lived_threads_leave_no_connections_behind(store: ResultStore, blob_of: Callable) -> None:
    store.put("a", blob_of(1))
    found: list[Blob | None] = []

    def open_files() -> int:
        return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    def visit() -> None:
        found.append(store.get("a"))

    counts = []
    for _ in range(60):
        thread = threading.Thread(target=visit)
        thread.start()
        thread.join()
        counts.append(open_files())
    assert len(found) == 60 and all(found)
    assert max(counts) - counts[0] <= 3 * shelf.THREADS
    assert max(counts[30:]) - counts[30] <= 3


def test_many_threads_read_and_write_at_once(store: ResultStore, blob_of: Callable) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                store.put(f"k{number}-{turn}", blob_of(number))
                found = store.get(f"k{number}-{turn}")
                assert found is not None and found.arrays["x"][0] == number
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and store.stats()["entries"] == 40 and store.problems() == []


def test_readers_never_miss_a_result_that_is_being_replaced(store: ResultStore, blob_of: Callable) -> None:
    store.put("a", blob_of(0))
    done = threading.Event()

    def replace() -> None:
        for number in range(40):
            store.put("a", blob_of(number))
        done.set()

    writer = threading.Thread(target=replace)
    writer.start()
    misses = sum(store.get("a") is None for _ in iter(lambda: done.is_set(), True))
    writer.join()
    assert misses == 0 and store.problems() == []


def test_a_closed_store_gives_nothing_and_takes_nothing(store: ResultStore, blob_of: Callable) -> None:
    store.put("a", blob_of(1))
    store.close()
    assert store.get("a") is None and store.entries() == []
    with pytest.raises(StoreUnavailable, match="closed"):
        store.put("b", blob_of(2))


# A store that cannot be written


def test_a_locked_database_makes_writing_fail_within_seconds_while_reading_goes_on(
    store: ResultStore, blob_of: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.2)
    store.close()
    quick = ResultStore(store.folder)
    quick.put("a", blob_of(1))
    with closing(sqlite3.connect(store.folder / "cache.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        start = time.monotonic()
        with pytest.raises(StoreUnavailable, match="locked or read-only"):
            quick.put("b", blob_of(2))
        assert time.monotonic() - start < 4
        assert quick.get("a") is not None
        with quick.lease("k") as ours:
            assert ours  # without leases everyone computes alone
        holder.execute("ROLLBACK")
    quick.put("b", blob_of(2))
    assert quick.get("b") is not None
    assert len(list(quick.folder.glob("??/*.val"))) == 2
    quick.close()


def test_a_folder_that_cannot_be_made_leaves_a_store_that_holds_nothing(tmp_path: Path, blob_of: Callable) -> None:
    (tmp_path / "file").write_text("in the way")
    store = ResultStore(tmp_path / "file" / "results")
    assert store.get("a") is None and not store.has("a") and store.entries() == [] and not store.writable
    assert store.stats()["entries"] == 0 and store.problems()
    with pytest.raises(StoreUnavailable):
        store.put("a", blob_of(1))
    with store.lease("a") as ours:
        assert ours
    store.close()


def test_what_is_stored_can_be_read_where_the_database_cannot_be_opened_for_writing(
    store: ResultStore, blob_of: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a", blob_of(1))
    store.close()

    def refuse(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(opening, "_settle", refuse)
    reader = ResultStore(store.folder)
    assert not reader.writable and "readonly" in reader.problems()[0]
    found = reader.get("a")
    assert found is not None and np.all(found.arrays["x"] == 1) and [e.key for e in reader.entries()] == ["a"]
    with pytest.raises(StoreUnavailable):
        reader.put("b", blob_of(2))
    reader.close()
