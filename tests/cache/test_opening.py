"""Opening a store: what is damaged is moved aside, what is missing made, and no setting of another's is taken over."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import diskcache
import numpy as np
import pytest

from cache import opening
from cache.opening import is_full
from cache.store import ResultStore, StoreUnavailable


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


@pytest.mark.parametrize("kind", ["gone", "empty"])
def test_results_without_their_database_are_moved_aside_and_not_swept_away(
    tmp_path: Path, blob_of: Callable, kind: str
) -> None:
    first = ResultStore(tmp_path / "results")
    first.put("a", blob_of(1))
    first.close()
    for path in (tmp_path / "results").rglob("*"):
        if path.name.startswith("cache.db") and kind == "gone":
            path.unlink()
        elif path.name == "cache.db":
            path.write_bytes(b"")
        else:
            os.utime(path, (0, 0))  # as old as what dead writers leave
    second = ResultStore(tmp_path / "results")
    assert "moved to" in second.problems()[0]
    (aside,) = tmp_path.glob("results.damaged-*")
    assert [path.read_bytes() for path in aside.glob("??/*.val")] == [blob_of(1).to_bytes()]
    second.close()
    third = ResultStore(tmp_path / "results")
    assert third.problems() == []
    third.close()


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


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_recognised_behind_whatever_covers_it_up(number: int) -> None:
    def raised(covered: BaseException, openly: bool) -> BaseException:
        try:
            try:
                raise covered
            except BaseException as error:
                if openly:
                    raise ValueError("said with `from`") from error
                raise KeyError("raised while the other was handled")  # noqa: B904
        except Exception as error:
            return error

    full = OSError(number, "no room")
    assert is_full(full) and is_full(raised(full, True)) and is_full(raised(full, False))
    assert is_full(raised(raised(full, False), True)) and is_full(raised(raised(full, True), False))
    assert is_full(sqlite3.OperationalError("database or disk is full"))
    other = OSError(errno.EACCES, "not allowed")
    assert not is_full(other) and not is_full(raised(other, False)) and not is_full(None)
