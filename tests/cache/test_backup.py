"""A cache folder is copied while it is written to and trimmed, and put back."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cache import backup as copying
from cache.backup import NoBackup, backup, restore
from cache.opening import DATABASE
from cache.store import ResultStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def filled(folder: Path, blob_of: Callable, count: int = 6) -> ResultStore:
    store = ResultStore(folder / "results")
    for number in range(count):
        store.put(f"r{number}", blob_of(number, 50_000 if number % 2 else 10))
    return store


def test_results_pins_and_what_people_keep_come_back(folder: Path, tmp_path: Path, blob_of: Callable) -> None:
    store = filled(folder, blob_of)
    store.pin("r1")
    with sqlite3.connect(folder / "sharing.sqlite") as link:
        link.execute("PRAGMA journal_mode = wal")
        link.execute("CREATE TABLE kept (note TEXT)")
        link.execute("INSERT INTO kept VALUES ('a finding')")
        link.commit()
        (folder / "uploads").mkdir()
        (folder / "uploads" / "photo.png").write_bytes(b"a photo")
        (folder / "wheels").mkdir()
        (folder / "wheels" / "large").write_bytes(b"made again by itself")
        copied = backup(folder, tmp_path / "copy")
    store.put("later", blob_of(1))
    assert (copied.results, copied.gone) == (6, 0)
    store.close()
    before = restore(tmp_path / "copy", folder)
    assert before is not None and (before / "results").is_dir(), "what was there is kept"
    again = ResultStore(folder / "results")
    assert all(again.get(f"r{number}") is not None for number in range(6)) and again.get("later") is None
    assert again.pins() == {"r1"} and again.problems() == []
    with sqlite3.connect(folder / "sharing.sqlite") as link:
        assert link.execute("SELECT note FROM kept").fetchall() == [("a finding",)]
    assert (folder / "uploads" / "photo.png").read_bytes() == b"a photo"
    assert not (folder / "wheels").exists() and not (folder / copying.MARK).exists()
    assert folder.stat().st_mode & 0o077 == 0 and (folder / "uploads" / "photo.png").stat().st_mode & 0o077 == 0
    again.close()


def test_what_is_written_and_removed_meanwhile_makes_no_copy_with_holes(
    folder: Path, tmp_path: Path, blob_of: Callable
) -> None:
    store, ends = filled(folder, blob_of, 40), threading.Event()

    def busy() -> None:
        number = 0
        while not ends.is_set():
            store.put(f"new{number}", blob_of(number))
            store.delete(f"r{number % 40}")
            number += 1

    writing = threading.Thread(target=busy)
    writing.start()
    try:
        for number in range(3):
            backup(folder, tmp_path / f"copy{number}")
    finally:
        ends.set()
        writing.join()
    store.close()
    for number in range(3):
        copy = ResultStore(tmp_path / f"copy{number}" / "results")
        assert all(copy.get(entry.key) is not None for entry in copy.entries())
        assert copy.problems() == []
        copy.close()


def test_a_result_whose_file_was_gone_before_it_was_copied_is_left_out(
    folder: Path, tmp_path: Path, blob_of: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(folder, blob_of)
    copy = copying._copy

    def slow(path: Path, to: Path) -> int:
        if path.suffix == ".val" and store.has("r1"):
            store.delete("r1")
        return copy(path, to)

    monkeypatch.setattr(copying, "_copy", slow)
    copied = backup(folder, tmp_path / "copy")
    assert (copied.results, copied.gone) == (5, 1)
    store.close()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_result_that_is_stored_while_the_databases_are_copied_comes_along_whole_or_not_at_all(
    folder: Path, tmp_path: Path, blob_of: Callable, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    store, copy = filled(folder, blob_of), copying._copy

    def busy(path: Path, to: Path) -> int:
        late = path.name == DATABASE
        if late and moment == "before":
            store.put("late", blob_of(7, 50_000))
        size = copy(path, to)
        if late and moment == "after":
            store.put("late", blob_of(7, 50_000))
        return size

    monkeypatch.setattr(copying, "_copy", busy)
    copied = backup(folder, tmp_path / "copy")
    store.close()
    assert (copied.results, copied.gone) == (7 if moment == "before" else 6, 0)
    again = ResultStore(tmp_path / "copy" / "results")
    assert (again.get("late") is not None) == (moment == "before") == again.has("late")
    assert all(again.get(entry.key) is not None for entry in again.entries()) and again.problems() == []
    again.close()


def test_a_folder_in_use_is_not_replaced(folder: Path, tmp_path: Path, blob_of: Callable) -> None:
    store = filled(folder, blob_of)
    backup(folder, tmp_path / "copy")
    with pytest.raises(NoBackup, match="Stop the server first"):
        restore(tmp_path / "copy", folder)
    store.close()
    restore(tmp_path / "copy", folder)


def test_nothing_is_overwritten_and_half_a_backup_is_none(
    folder: Path, tmp_path: Path, blob_of: Callable, monkeypatch
) -> None:
    filled(folder, blob_of).close()
    backup(folder, tmp_path / "copy")
    with pytest.raises(NoBackup, match="there already"):
        backup(folder, tmp_path / "copy")
    with pytest.raises(NoBackup, match="inside"):
        backup(folder, folder / "copy")
    with pytest.raises(NoBackup, match="no cache folder"):
        backup(tmp_path / "nothing", tmp_path / "other")
    (tmp_path / "copy" / copying.MARK).unlink()
    with pytest.raises(NoBackup, match="not a whole backup"):
        restore(tmp_path / "copy", folder)

    def full(path: Path, to: Path) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copying, "_copy", full)
    with pytest.raises(OSError, match="No space"):
        backup(folder, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_links_out_of_the_folder_are_not_followed(folder: Path, tmp_path: Path, blob_of: Callable) -> None:
    filled(folder, blob_of).close()
    (tmp_path / "secret").write_text("of somebody else")
    (folder / "link").symlink_to(tmp_path / "secret")
    backup(folder, tmp_path / "copy")
    assert not (tmp_path / "copy" / "link").exists()
