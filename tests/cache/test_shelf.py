"""The store among many threads, and where it is closed, locked or cannot be written."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cache import opening, shelf
from cache.blob import Blob
from cache.shelf import ForeignValue
from cache.store import ResultStore, StoreUnavailable


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


def test_a_row_is_read_again_as_long_as_it_names_another_file_each_time(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow reader beside a fast writer: the file that the row named is gone again and again."""
    names = iter([*map(str, range(8)), "there", "gone", "gone"])
    monkeypatch.setattr(store._shelf, "_select", lambda query, values: [(0, next(names), None)])

    def take(mode: int, name: str, value: None) -> str:
        if name != "there":
            raise FileNotFoundError(name)
        return name

    assert store._shelf._of_row("a", take) == "there"
    with pytest.raises(ForeignValue, match="Its file is gone"):
        store._shelf._of_row("a", take)


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
    monkeypatch.setattr(shelf, "BUSY_SECONDS", 0.2)
    store.close()
    patience: list[float] = []
    connect = sqlite3.connect

    def noted(*place, timeout: float = 5.0, **named):
        patience.append(timeout)
        return connect(*place, timeout=timeout, **named)

    monkeypatch.setattr(sqlite3, "connect", noted)
    quick = ResultStore(store.folder)
    quick.put("a", blob_of(1))
    with closing(connect(store.folder / "cache.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked or read-only"):
            quick.put("b", blob_of(2))
        assert max(patience) == 0.2, "no connection waits longer than the store says"
        assert quick.get("a") is not None
        with quick.lease("k") as ours:
            assert ours  # without leases everyone computes alone
        holder.execute("ROLLBACK")
    quick.put("b", blob_of(2))
    assert quick.get("b") is not None
    assert len(list(quick.folder.glob("??/*.val"))) == 2
    quick.close()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted where /proc lists them")
def test_a_closed_store_holds_no_file_open(tmp_path: Path, blob_of: Callable) -> None:
    def held() -> list[str]:
        return [
            name for name in map(os.path.realpath, Path("/proc/self/fd").iterdir()) if name.startswith(str(tmp_path))
        ]

    for number in range(5):
        store = ResultStore(tmp_path / f"results-{number}")
        store.put("a", blob_of(1))
        readers = [threading.Thread(target=store.get, args=("a",)) for _ in range(2 * shelf.THREADS)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        assert held(), "while it is open there are some"
        store.close()
        assert held() == []
