"""The one file in which everything that people keep stands: `sharing.sqlite` in the cache folder.

Invariants: a change is there whole or not at all, also when two processes write at once or one is killed; the file is private
to its owner; a file that cannot be read is never overwritten. Where it cannot be used, reading and writing raise Unavailable
with one sentence, and the rest of Vitrine goes on.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from engine.core.config import settings
from engine.core.errors import Unavailable

NAME = "sharing.sqlite"
BUSY_SECONDS = 5.0
STEPS = (
    """
    CREATE TABLE people (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, groups TEXT NOT NULL, address TEXT NOT NULL, seen REAL NOT NULL
    );
    CREATE TABLE preferences (person TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (person, name));
    CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE collections (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL, about TEXT NOT NULL DEFAULT '',
        shared TEXT NOT NULL DEFAULT 'private', groups TEXT NOT NULL DEFAULT '[]', others_add INTEGER NOT NULL DEFAULT 0,
        created REAL NOT NULL, changed REAL NOT NULL
    );
    CREATE INDEX collections_owner ON collections (owner);
    CREATE INDEX collections_shared ON collections (shared) WHERE shared <> 'private';
    CREATE TABLE items (
        id INTEGER PRIMARY KEY AUTOINCREMENT, collection TEXT NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
        place INTEGER NOT NULL, digest TEXT NOT NULL, item TEXT NOT NULL, note TEXT NOT NULL DEFAULT '',
        added_by TEXT NOT NULL, added REAL NOT NULL, UNIQUE (collection, digest)
    );
    CREATE TABLE held (
        collection TEXT NOT NULL REFERENCES collections (id) ON DELETE CASCADE, item INTEGER NOT NULL
        REFERENCES items (id) ON DELETE CASCADE, key TEXT NOT NULL, PRIMARY KEY (item, key)
    );
    CREATE INDEX held_key ON held (key);
    CREATE INDEX held_collection ON held (collection);
    CREATE TABLE links (id TEXT PRIMARY KEY, page TEXT NOT NULL, params TEXT NOT NULL, owner TEXT NOT NULL, created REAL);
    CREATE TABLE history (
        person TEXT NOT NULL, key TEXT NOT NULL, experiment TEXT NOT NULL, model TEXT NOT NULL, site TEXT NOT NULL,
        title TEXT NOT NULL, text TEXT NOT NULL, request TEXT NOT NULL, status TEXT NOT NULL, error TEXT NOT NULL,
        started REAL, ended REAL NOT NULL, device TEXT NOT NULL, computed_in TEXT NOT NULL, vitrine TEXT NOT NULL,
        picture BLOB, seen INTEGER NOT NULL, PRIMARY KEY (person, key)
    );
    CREATE INDEX history_ended ON history (ended);
    CREATE INDEX history_person ON history (person, ended);
    CREATE INDEX history_key ON history (key);
    CREATE INDEX history_unseen ON history (person, ended) WHERE seen = 0;
    CREATE TABLE tokens (
        id TEXT PRIMARY KEY, digest TEXT NOT NULL, person TEXT NOT NULL, label TEXT NOT NULL, role TEXT NOT NULL,
        created REAL NOT NULL, ends REAL NOT NULL, used REAL
    );
    CREATE INDEX tokens_person ON tokens (person);
    """,
    # Pictures apart from the lines, which are searched.
    """
    CREATE TABLE thumbnails (key TEXT PRIMARY KEY, picture BLOB NOT NULL);
    INSERT OR IGNORE INTO thumbnails SELECT key, picture FROM history WHERE picture IS NOT NULL;
    ALTER TABLE history DROP COLUMN picture;
    CREATE INDEX history_experiment ON history (person, experiment);
    CREATE INDEX history_model ON history (person, model);
    """,
    # Of too many links those go that nobody has followed for longest.
    """
    ALTER TABLE links RENAME COLUMN created TO used;
    CREATE INDEX links_used ON links (used);
    CREATE INDEX links_owner ON links (owner, used);
    """,
)
"""What brings the tables from each version to the next; the file says how many of them were done."""


class Database:
    """One connection, which the threads of this process take in turn. Opened at the first use, and again after an error."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._link: sqlite3.Connection | None = None

    def read(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Rows of a query. Raises Unavailable."""
        with self._connected() as link:
            return link.execute(query, values).fetchall()

    def first(self, query: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a query, if there is one. Raises Unavailable."""
        rows = self.read(query, *values)
        return rows[0] if rows else None

    @contextlib.contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Everything done inside is one change: it happens whole, or (when something is raised) not at all.

        Raises Unavailable where nothing can be written.
        """
        with self._connected() as link:
            link.execute("BEGIN IMMEDIATE")
            try:
                yield link
                link.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    link.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file. The next use opens it again."""
        with self._lock:
            link, self._link = self._link, None
            if link is not None:
                link.close()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._link = self._link or _opened(self.path)
                yield self._link
            except (sqlite3.Error, OSError) as error:
                self.close()
                raise Unavailable(_sentence(self.path, error)) from error


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    link = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        link.row_factory = sqlite3.Row
        link.execute("PRAGMA foreign_keys = ON")
        with contextlib.suppress(sqlite3.OperationalError):  # a read-only folder is read as it stands
            link.execute("PRAGMA journal_mode = WAL")
        _bring_up(link, path)
    except BaseException:
        link.close()
        raise
    return link


def _bring_up(link: sqlite3.Connection, path: Path) -> None:
    """Make the tables that this version knows, step by step, of which other processes do none at the same time."""
    if _version(link) == len(STEPS):
        return
    link.execute("BEGIN IMMEDIATE")
    try:
        done = _version(link)
        if done > len(STEPS):
            raise sqlite3.DatabaseError("it is of a later version of Vitrine")
        for step in STEPS[done:]:
            for statement in filter(str.strip, step.split(";")):
                link.execute(statement)
        link.execute(f"PRAGMA user_version = {len(STEPS)}")
        link.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            link.execute("ROLLBACK")
        raise


def _version(link: sqlite3.Connection) -> int:
    return int(link.execute("PRAGMA user_version").fetchone()[0])


def _sentence(path: Path, error: Exception) -> str:
    reason = str(getattr(error, "strerror", None) or error)
    todo = "Try again in a moment."
    if "not a database" in reason or "malformed" in reason:
        todo = "Put a copy of it back, or move it away to begin anew."
    elif "full" in reason:
        todo = "Free some space on its disk."
    elif "readonly" in reason or "unable to open" in reason or isinstance(error, OSError):
        todo = "The person who runs this server can make the cache folder writable."
    return f"Collections, links and history cannot be used ({path.name}: {reason}). {todo}"


@cache
def _at(path: Path) -> Database:
    return Database(path)


def database() -> Database:
    """The file of this process's settings."""
    return _at(settings().cache_folder / NAME)
