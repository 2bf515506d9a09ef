"""Opening the result store's database: with our settings, without its traps, and clean of what dead writers left.

Invariant: what an earlier process finished is still there after opening. A database that is damaged is moved aside
with its files, never overwritten; a file that no row names is removed only when it is older than an hour.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import secrets
import sqlite3
import time
from pathlib import Path

import diskcache

from cache.disk import BytesDisk, write_synced

log = logging.getLogger(__name__)

DATABASE = diskcache.core.DBNAME
BUSY_SECONDS = 5
FILE_FROM_BYTES = 1 << 15
ORPHAN_SECONDS = 3600.0
# SQLite needs some room even to open, and to delete. With none left, old results could be neither read nor removed.
RESERVE, RESERVE_BYTES = "reserve", 2 << 20
_ATTEMPTS = 4
# diskcache keeps its settings in the database and believes them at the next opening, unless each one is given.
_SETTINGS: dict[str, int | str] = {
    "statistics": 0,
    "tag_index": 0,
    "eviction_policy": "none",
    "size_limit": 1 << 62,
    "cull_limit": 0,
    "sqlite_auto_vacuum": 1,
    "sqlite_cache_size": 1 << 13,
    "sqlite_journal_mode": "wal",
    "sqlite_mmap_size": 0,  # a mapped database file that another program cuts short would kill the process
    "sqlite_synchronous": 2,  # a result took minutes: flush its row too
    "disk_min_file_size": FILE_FROM_BYTES,
    "disk_pickle_protocol": 0,
}
_COUNTERS = ("count", "size", "hits", "misses")


def open_database(folder: Path) -> tuple[diskcache.Cache, str | None]:
    """Open (or begin) the database in `folder`, private to its owner. The text says what had to be moved aside.

    Raises OSError, sqlite3.Error or diskcache.Timeout when it cannot be written.
    """
    try:
        opened = _open(folder)
    except (OSError, sqlite3.Error, diskcache.Timeout) as error:
        if not (is_full(error) and release_reserve(folder)):
            raise
        opened = _open(folder)
    _keep_reserve(folder / RESERVE)
    return opened


def _keep_reserve(path: Path) -> None:
    """Set some space aside for a full disk: as much as there is room for, up to RESERVE_BYTES."""
    for size in (RESERVE_BYTES, RESERVE_BYTES // 2, RESERVE_BYTES // 4):
        if path.exists():
            return
        with contextlib.suppress(OSError):
            write_synced(path, secrets.token_bytes(size))


def release_reserve(folder: Path) -> bool:
    """Free the space that is kept for a full disk; True when there was some. Each opening keeps some again."""
    try:
        (folder / RESERVE).unlink()
    except OSError:
        return False
    return True


def _open(folder: Path) -> tuple[diskcache.Cache, str | None]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(OSError):  # another owner's folder: what we read from it is verified anyway
        folder.chmod(0o700)
    cache, trouble = None, None
    if _is_lost(folder / DATABASE) and any(folder.glob("??/*.val")):
        trouble = _set_aside(folder, "it is empty or missing, though there are results")
    for attempt in range(_ATTEMPTS):
        try:
            _settle(folder / DATABASE)
            cache = diskcache.Cache(str(folder), timeout=BUSY_SECONDS, disk=BytesDisk, **_SETTINGS)
            break
        except sqlite3.OperationalError as error:  # two processes that open at once can lock each other out
            if attempt == _ATTEMPTS - 1 or "locked" not in str(error):
                raise
            time.sleep(0.1 * 2**attempt)
        except sqlite3.DatabaseError as error:
            if attempt:
                raise
            trouble = _set_aside(folder, error)
    assert cache is not None
    with contextlib.suppress(OSError, sqlite3.Error, diskcache.Timeout):  # housekeeping; the next opening does it
        cache.expire()
        _sweep(folder)
    return cache, trouble


def _settle(database: Path) -> None:
    """Before diskcache sees the database: can it be written, and does it hold settings that diskcache lacks?

    diskcache turns every row of its Settings table into an attribute of itself, `_directory` for instance.
    """
    with contextlib.closing(sqlite3.connect(database, timeout=BUSY_SECONDS, isolation_level=None)) as link:
        link.execute("BEGIN IMMEDIATE")
        if link.execute("SELECT 1 FROM sqlite_master WHERE name = 'Settings'").fetchone():
            known = [*_SETTINGS, *_COUNTERS]
            link.execute(f"DELETE FROM Settings WHERE key NOT IN ({', '.join('?' * len(known))})", known)
        link.execute("COMMIT")


def _is_lost(database: Path) -> bool:
    """Whether there is no database, or an empty file: SQLite would begin a new one, whose rows name none of the files."""
    try:
        return database.stat().st_size == 0
    except FileNotFoundError:
        return True


def _set_aside(folder: Path, error: sqlite3.DatabaseError | str) -> str:
    """Keep a broken database, with the files it names, beside a fresh one. Returns a sentence about it."""
    aside = folder.with_name(f"{folder.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    folder.rename(aside)
    folder.mkdir(mode=0o700)
    trouble = f"The database of the result store was damaged ({error}). It was moved to {aside}; a new one is in use."
    log.error("%s", trouble)
    return trouble


def _sweep(folder: Path) -> None:
    """Remove files that no row names: a process was killed between file and row. Young ones may be in flight."""
    old = time.time() - ORPHAN_SECONDS
    files = [path for path in folder.glob("??/*.val") if _modified(path) < old]
    uri = f"{(folder / DATABASE).as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)) as link:
        named = {name for (name,) in link.execute("SELECT filename FROM Cache WHERE filename IS NOT NULL")}
    for path in files:
        if f"{path.parent.name}/{path.name}" not in named:
            log.info("Removing %s, left by a process that was stopped while writing", path)
            remove(path)


def remove(path: Path) -> None:
    """Remove a file, if it can be."""
    with contextlib.suppress(OSError):
        path.unlink()


def _modified(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:  # another process removed it
        return float("inf")


def is_full(error: BaseException | None) -> bool:
    """Does this error, or one that it covers up, say that the disk is full?"""
    while error is not None:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "disk is full" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
