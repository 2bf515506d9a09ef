"""The rows and files under the result store: bytes by key, through diskcache, with its traps closed.

Invariants: every setting of diskcache is ours at each opening, whatever the database says; nothing is dropped that
was not asked for (diskcache's own culling is off); a call waits seconds at most; a handful of long-lived threads do
all the database work, so that short-lived script threads leave no connection behind. Reads go through connections
that cannot write, and go on where writing is impossible (full disk, read-only folder).
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import diskcache

from cache.disk import WRITTEN, BytesDisk
from cache.opening import BUSY_SECONDS, DATABASE, FILE_FROM_BYTES, is_full, open_database, release_reserve, remove

T = TypeVar("T")
log = logging.getLogger(__name__)

THREADS = 4
_SIZE = "CASE WHEN filename IS NULL THEN LENGTH(value) ELSE CAST(size AS INTEGER) END"
_LIVE = "raw = 1 AND typeof(key) = 'text' AND (expire_time IS NULL OR expire_time > ?)"


class StoreUnavailable(OSError):
    """The result store cannot be written (or opened) just now. What it holds is untouched."""


class ForeignValue(OSError):
    """A row whose value is missing, or is not one that Vitrine wrote."""


class StoreFull(StoreUnavailable):
    """The disk under the result store is full. What it holds is untouched."""

    errno = errno.ENOSPC


@dataclass(frozen=True)
class Row:
    """One stored value: its size, when it was stored and last used (seconds since 1970), and its tag."""

    key: str
    bytes: int
    stored_at: float
    used_at: float
    tag: str | None
    filename: str | None


class Shelf:
    """Bytes by key in one folder. Opening never raises: where the folder cannot be used, `trouble` says why."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trouble: str | None = None
        self._cache: diskcache.Cache | None = None
        self._closed = False
        self._local = threading.local()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="result-store")
        try:
            self._run(self._open)
        except OSError as error:
            self.trouble = str(error)
            log.error("%s", error)
        self._disk = BytesDisk(str(folder), FILE_FROM_BYTES)

    def _open(self) -> None:
        self._cache, self.trouble = open_database(self.folder)

    # Threads and errors

    def _run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do database work on one of our own threads. Raises StoreFull or StoreUnavailable."""
        try:
            done = self._threads.submit(self._translated, work, *arguments)
        except RuntimeError as error:
            if self._closed:
                raise StoreUnavailable(f"The result store in {self.folder} is closed.") from error
            return self._translated(work, *arguments)  # Python is ending; what was finished last is stored all the same
        return done.result()

    def _translated(self, work: Callable[..., T], *arguments: Any) -> T:
        try:
            return work(*arguments)
        except (ForeignValue, StoreUnavailable):
            raise
        except (OSError, sqlite3.Error, diskcache.Timeout) as error:
            self._disconnect()  # a failed COMMIT leaves its transaction open; closing ends it
            if is_full(error):
                reason = f"The disk under the result store ({self.folder}) is full. Free some space and try again."
                raise StoreFull(reason) from error
            reason = "it is locked or read-only" if isinstance(error, diskcache.Timeout) else str(error)
            raise StoreUnavailable(f"The result store in {self.folder} cannot be used: {reason}.") from error

    @property
    def _database(self) -> Path:
        return self.folder / DATABASE

    def _select(self, query: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows, through a connection that cannot write; this thread keeps it."""
        link = getattr(self._local, "link", None)
        if link is None:
            link = self._local.link = self._reader()
        return link.execute(query, arguments).fetchall()

    def _reader(self) -> sqlite3.Connection:
        uri = self._database.absolute().as_uri()
        link = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=BUSY_SECONDS)
        try:
            link.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            link.close()
            if self._cache is not None:
                raise
            # No room for SQLite's own side files: nobody writes here, so read the main file as it stands.
            link = sqlite3.connect(f"{uri}?immutable=1", uri=True)
        return link

    def _disconnect(self) -> None:
        link, self._local.link = getattr(self._local, "link", None), None
        for connection in (link, self._cache):
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()

    @property
    def writable(self) -> bool:
        return self._cache is not None

    def _writer(self) -> diskcache.Cache:
        if self._cache is None:
            raise StoreUnavailable(self.trouble or "it is not open")
        return self._cache

    # What the store asks for

    def read(self, key: str) -> bytes | None:
        """The value, or None where there is none. Raises ForeignValue or StoreUnavailable."""
        return self._run(
            self._of_row, key, lambda mode, filename, value: self._disk.fetch(mode, filename, value, False)
        )

    @contextlib.contextmanager
    def opened(self, key: str) -> Iterator[tuple[Callable[[int, int], bytes], int] | None]:
        """What reads the bytes from one place of a value to another, and how many there are; None where there is no value. It
        stays readable meanwhile, though it be replaced. Raises ForeignValue or StoreUnavailable, and so does the reading."""
        file = self._run(self._of_row, key, self._disk.opened)
        if file is None:
            yield None
            return

        def read(start: int, end: int) -> bytes:
            file.seek(start)
            return file.read(end - start)

        with file:
            yield partial(self._translated, read), self._translated(file.seek, 0, os.SEEK_END)

    def _of_row(self, key: str, take: Callable[[Any, Any, Any], T]) -> T | None:
        """What is taken of a value's row: its mode, the name of its file and its bytes; None where there is none."""
        query, missing = f"SELECT mode, filename, value FROM Cache WHERE key = ? AND {_LIVE}", None
        while True:
            rows = self._select(query, (key, time.time()))
            if not rows:
                return None
            mode, filename, value = rows[0]
            try:
                return take(mode, filename, value)
            except FileNotFoundError as error:
                if filename != missing:  # replaced between the row and the file? Then the row names another one by now
                    missing = filename
                    continue
                if not self._database.exists():  # the whole folder is gone; it may come back
                    raise StoreUnavailable(f"The result store's folder {self.folder} is gone.") from error
                raise ForeignValue("Its file is gone.") from error
            except OSError as error:
                if error.errno is not None:  # the system's word: it may be read another time
                    raise
                raise ForeignValue(str(error)) from error

    def write_lines(self, lines: Mapping[str, bytes], tag: str) -> None:
        """Store small values together, all or none, under one tag; those that are there stay. Raises as `write` does."""

        def work() -> None:
            writer = self._writer()
            with writer.transact(retry=False):
                for key, value in lines.items():
                    writer.add(key, value, tag=tag, retry=False)

        self._run(work)

    def delete_tagged(self, tag: str) -> None:
        """Remove all rows of a tag. Raises StoreUnavailable."""
        self._run(lambda: self._writer().evict(tag, retry=False))

    def write(self, key: str, value: bytes, tag: str | None = None) -> None:
        """Store a value under a key, whole or not at all. Raises StoreFull or StoreUnavailable."""
        self._run(self._write, key, value, tag)

    def _write(self, key: str, value: bytes, tag: str | None) -> None:
        writer = self._writer()
        WRITTEN.name = ""
        try:
            writer.set(key, value, tag=tag, retry=False)
        except BaseException:
            self._remove_unnamed(WRITTEN.name)
            raise

    def _remove_unnamed(self, name: str) -> None:
        """Remove the file of a failed write (diskcache leaves it), unless a row did come to name it."""
        with contextlib.suppress(sqlite3.Error):  # if that cannot be known, the next opening sweeps
            if not self._select("SELECT 1 FROM Cache WHERE filename = ?", (name,)):
                remove(self.folder / name)

    def delete(self, key: str) -> bool:
        """Remove a row and its file; True when there was one."""

        def work() -> bool:
            return self._writer().delete(key, retry=False)

        try:
            return self._run(work)
        except StoreFull:  # the very moment to be able to delete something
            if not release_reserve(self.folder):
                raise
            return self._run(work)

    def add(self, key: str, value: bytes, expire: float) -> bool:
        """Store a value only where there is none (or an expired one); True when it was stored."""
        return self._run(lambda: self._writer().add(key, value, expire=expire, retry=False))

    def swap(self, key: str, old: bytes, change: Callable[[diskcache.Cache], T]) -> T | None:
        """Do `change` in one transaction, only if the key still holds `old`."""

        def work() -> T | None:
            writer = self._writer()
            with writer.transact(retry=False):
                return change(writer) if writer.get(key) == old else None

        return self._run(work)

    def rows(self, key: str | None = None, since: float | None = None) -> list[Row]:
        """What is stored under this key, or all results, or those after this time, the one unused for longest first. Raises
        StoreUnavailable."""
        columns = f"key, {_SIZE}, CAST(store_time AS REAL), CAST(access_time AS REAL), tag, filename"
        which = {"key = ?": key, "store_time > ?": since}
        given = {text: value for text, value in which.items() if value is not None}
        results = () if key is not None else ("instr(key, '/') = 0",)
        query = f"SELECT {columns} FROM Cache WHERE {' AND '.join((_LIVE, *given, *results))} ORDER BY 4, rowid"
        rows = self._run(self._select, query, (time.time(), *given.values()))
        return [Row(key, size or 0, stored or 0.0, used or 0.0, *rest) for key, size, stored, used, *rest in rows]

    def sizes(self, keys: Iterable[str]) -> dict[str, int]:
        """How many bytes those of these values take that are stored. Raises StoreUnavailable."""
        found: dict[str, int] = {}
        asked = [*keys]
        for some in (asked[start : start + 500] for start in range(0, len(asked), 500)):
            query = f"SELECT key, {_SIZE} FROM Cache WHERE {_LIVE} AND key IN ({', '.join('?' * len(some))})"
            found |= dict(self._run(self._select, query, (time.time(), *some)))
        return found

    def names(self, prefix: str) -> list[str]:
        """The keys that begin so. Raises StoreUnavailable."""
        query = f"SELECT key FROM Cache WHERE {_LIVE} AND key >= ? AND key < ?"
        return [row[0] for row in self._run(self._select, query, (time.time(), prefix, prefix + "\U0010ffff"))]

    def by_use(self) -> list[tuple[str, int, float]]:
        """Key, bytes and time of storing of each result, the one unused for longest first: what trimming needs, which is far
        less than `rows`. Raises StoreUnavailable."""
        columns = f"key, {_SIZE}, CAST(store_time AS REAL)"
        query = f"SELECT {columns} FROM Cache WHERE {_LIVE} AND instr(key, '/') = 0 ORDER BY CAST(access_time AS REAL), rowid"
        return [(key, size or 0, stored or 0.0) for key, size, stored in self._run(self._select, query, (time.time(),))]

    def totals(self) -> tuple[int, int]:
        """How many results there are, and how many bytes they take together (pins and leases apart, which have a stroke in
        their keys). Raises StoreUnavailable."""
        query = f"SELECT COUNT(*), COALESCE(SUM({_SIZE}), 0) FROM Cache WHERE {_LIVE} AND instr(key, '/') = 0"
        count, total = self._run(self._select, query, (time.time(),))[0]
        return int(count), int(total)

    def touch(self, key: str) -> None:
        """Note that a value was used now. Does not wait, and does not matter when it fails."""

        def work() -> None:
            with contextlib.closing(sqlite3.connect(self._database, timeout=BUSY_SECONDS)) as link, link:
                link.execute("UPDATE Cache SET access_time = ? WHERE key = ? AND raw = 1", (time.time(), key))

        with contextlib.suppress(RuntimeError):
            self._threads.submit(self._translated, work)

    def file_is_whole(self, row: Row) -> bool:
        """A cheap look: is the file of a row there, with the row's size?"""
        if row.filename is None:
            return True
        try:
            return self._disk.path(row.filename).stat().st_size == row.bytes
        except OSError:
            return False

    def close(self) -> None:
        """Close every connection. Later calls raise StoreUnavailable."""
        self._closed = True
        together = threading.Barrier(THREADS)

        def work() -> None:
            with contextlib.suppress(threading.BrokenBarrierError):
                together.wait(BUSY_SECONDS)
            self._disconnect()

        with contextlib.suppress(RuntimeError):
            for _ in range(THREADS):
                self._threads.submit(work)
        self._threads.shutdown(wait=True)
