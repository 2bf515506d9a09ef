"""The whole cache folder copied while it is in use, and put back.

Invariant: what `backup` copies is consistent: databases as SQLite's backup interface gives them, at one moment each, and of the
results only those whose files came along whole. `restore` never overwrites: what was there is moved aside.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cache.opening import BUSY_SECONDS, DATABASE, RESERVE
from cache.process import ProcessMark

RESULTS, PROCESSES = "results", "processes"
LEFT_OUT = ("wheels",)
"""Folders that hold nothing but what is made again by itself."""
MARK = "vitrine-backup"
"""The file that says that a backup is whole; it is written last."""
_SQLITE = b"SQLite format 3\x00"
_BESIDE = ("-wal", "-shm", "-journal", ".part")


class NoBackup(OSError):
    """This cannot be backed up, or is not a whole backup, or must not be restored just now; the message says what to do."""


@dataclass(frozen=True)
class Copied:
    """How much was copied, and how many results were trimmed away meanwhile."""

    files: int
    bytes: int
    results: int
    gone: int


def backup(folder: Path, target: Path) -> Copied:
    """Copy a cache folder into a new folder. Raises NoBackup, or OSError where something cannot be read or written; then what was
    copied so far is removed."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise NoBackup(f"{target} is there already. Name a new folder for each backup.")
    if not folder.is_dir():
        raise NoBackup(f"There is no cache folder {folder}.")
    if target.resolve().is_relative_to(folder.resolve()):
        raise NoBackup("A backup cannot lie inside the folder that is backed up. Name another one.")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # Databases first, before anybody looks which files there are: they are written before the rows that name them, and never
        # changed, so that all that a copied row names is found afterwards.
        paths = [path for path in _files(folder) if _is_database(path)]
        size = sum(_copy(path, target / path.relative_to(folder)) for path in paths)
        rest = [path for path in _files(folder) if not (target / path.relative_to(folder)).exists()]
        size += sum(_copy(path, target / path.relative_to(folder)) for path in rest)
        results, gone = _drop_rows_without_files(target / RESULTS)
        (target / MARK).write_text(time.strftime("%Y-%m-%dT%H:%M:%SZ\n", time.gmtime()))
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return Copied(len(paths) + len(rest), size, results, gone)


def restore(source: Path, folder: Path) -> Path | None:
    """Put a backup in the place of a cache folder; returns where the folder that was there went, if there was one.

    Raises NoBackup where the backup is not whole or a process still uses the folder, OSError where it cannot be copied.
    """
    if not (source / MARK).is_file():
        raise NoBackup(f"{source} is not a whole backup of Vitrine.")
    if _is_used(folder):
        raise NoBackup(f"{folder} is in use. Stop the server first.")
    beside = folder.with_name(f".{folder.name}.restoring-{os.getpid()}")
    try:
        shutil.copytree(source, beside, ignore=shutil.ignore_patterns(MARK))
        _each(beside, lambda path: path.chmod(0o700 if path.is_dir() else 0o600))
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    before = None
    if folder.exists():
        before = folder.with_name(f"{folder.name}.before-{time.strftime('%Y%m%d-%H%M%S')}")
        folder.rename(before)
    beside.rename(folder)
    return before


def _files(folder: Path) -> Iterator[Path]:
    """The files that are worth keeping; links are not followed."""
    for root, folders, names in os.walk(folder):
        here = Path(root)
        if here == folder:
            folders[:] = [name for name in folders if name not in LEFT_OUT]
        folders[:] = [name for name in folders if name != PROCESSES and not (here / name).is_symlink()]
        for name in names:
            path = here / name
            if name != RESERVE and not name.endswith(_BESIDE) and path.is_file() and not path.is_symlink():
                yield path


def _is_database(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except FileNotFoundError:
        return False


def _copy(path: Path, to: Path) -> int:
    """Copy one file; returns its bytes, 0 where it was removed meanwhile."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _is_database(path):
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with (
            contextlib.closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as link,
            contextlib.closing(sqlite3.connect(to)) as copy,
        ):
            link.backup(copy)
    else:
        try:
            shutil.copyfile(path, to)
        except FileNotFoundError:
            return 0
    to.chmod(0o600)
    return to.stat().st_size


def _drop_rows_without_files(results: Path) -> tuple[int, int]:
    """Forget results in a copied database whose files were removed before they were copied; how many stay, how many went."""
    if not (results / DATABASE).is_file():
        return 0, 0
    with contextlib.closing(sqlite3.connect(results / DATABASE)) as link, link:
        named = link.execute("SELECT rowid, filename, size FROM Cache WHERE filename IS NOT NULL").fetchall()
        gone = [(row,) for row, name, size in named if not _is_whole(results / name, size)]
        link.executemany("DELETE FROM Cache WHERE rowid = ?", gone)
        (left,) = link.execute("SELECT COUNT(*) FROM Cache WHERE instr(key, '/') = 0").fetchone()
    return left, len(gone)


def _is_whole(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def _is_used(folder: Path) -> bool:
    """Whether a living process has this cache folder open."""
    processes = folder / RESULTS / PROCESSES
    if not processes.is_dir():
        return False
    mark = ProcessMark(processes)
    try:
        return any(not mark.is_dead(other) for other in mark.others())
    finally:
        mark.close()


def _each(folder: Path, change: Callable[[Path], object]) -> None:
    for path in (folder, *folder.rglob("*")):
        change(path)
