"""The result store: blobs by key, within a size limit, safe against damage, full disks and sudden ends.

Invariants: what `put` returned from is read back by `get`, in any process, until it is deleted or trimmed; `get`
returns a whole, verified blob or None; nothing stored is ever unpickled; `trim` never takes a pinned result or the
newest one. The store is optional: reading from a broken one gives None, writing to it raises StoreUnavailable.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from cache.blob import Blob, DamagedBlob, OtherLayout, canonical_json, facts_of
from cache.entry import Entry, Latest, request_of
from cache.lease import lease
from cache.process import ProcessMark
from cache.shelf import ForeignValue, Row, Shelf, StoreFull, StoreUnavailable
from cache.within import Lines

__all__ = ["Entry", "ResultStore", "StoreFull", "StoreUnavailable"]

log = logging.getLogger(__name__)

USED_AGAIN_SECONDS = 3600.0
"""How coarsely use is tracked: a result read twice within this time is noted once."""
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_LONGEST_TAG = 1 << 16
_MOST_PROBLEMS, _MOST_NOTED = 100, 10_000


class ResultStore:
    """Results in one folder, shared by the threads of this process and by other processes. Opening never raises."""

    def __init__(self, folder: Path | str, limit_bytes: int = 4 << 30) -> None:
        self.folder = Path(folder).expanduser().absolute()
        self.limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._problems = Latest[None](_MOST_PROBLEMS)
        self._damaged = Latest[None](_MOST_NOTED)
        self._noted = Latest[float](_MOST_NOTED)
        self._reads = {"hit": 0, "miss": 0}
        self._shelf = Shelf(self.folder)
        self._lines = Lines(self._shelf)
        self.mark = ProcessMark(self.folder / "processes")
        if self._shelf.trouble:
            self.report(self._shelf.trouble)

    @property
    def writable(self) -> bool:
        """Whether the store could be opened for writing."""
        return self._shelf.writable

    # Reading

    def get(self, key: str) -> Blob | None:
        """The blob stored under `key`, or None: not there, damaged, foreign, or the store cannot be read."""
        found = self._get(key) if _KEY.fullmatch(key) else None
        with self._lock:
            self._reads["miss" if found is None else "hit"] += 1
        return found[1] if found else None

    def known(self, keys: Sequence[str]) -> Collection[str]:
        """Those of these keys that have a result, from one look; all where the store cannot be read, and `get` says why."""
        with suppress(StoreUnavailable):
            found = self._lines.known([key for key in keys if _KEY.fullmatch(key)])
            with self._lock:
                self._reads["miss"] += not found
            return found
        return keys

    def get_bytes(self, key: str) -> bytes | None:
        """The blob stored under `key` as the bytes that it was stored as (see `get`)."""
        found = self._get(key) if _KEY.fullmatch(key) else None
        return (found[0] or found[1].to_bytes()) if found else None

    def _get(self, key: str) -> tuple[bytes, Blob] | None:
        """The blob, with its bytes; empty ones where it stands inside another."""
        try:
            data = self._shelf.read(key)
            if data is None:
                cut = self._cut(key)
                return None if cut is None else (b"", cut)
            blob = Blob.from_bytes(data)
        except (ForeignValue, DamagedBlob) as error:
            self._damage(key, str(error))
            return None
        except StoreUnavailable as error:
            self.report(str(error))
            return None
        self._note_use(key)
        return data, blob

    def _cut(self, key: str) -> Blob | None:
        """The blob of a result that stands inside another. Raises StoreUnavailable."""
        place, how = self._lines.where(key) or ("", "")
        if not _KEY.fullmatch(place) or place in self._damaged:
            return None
        try:
            blob = self._lines.cut(place, how)
        except (ForeignValue, DamagedBlob) as error:
            self._damage(place, str(error))
            return None
        if blob is not None:
            self._note_use(place)
        return blob

    def has(self, key: str) -> bool:
        """Whether a result is there and looks whole (its digest is checked by `get` only)."""
        if key not in self._damaged and any(map(self._shelf.file_is_whole, self._results(key))):
            return True
        place = self.inside(key)
        return place != key and self.has(place)

    def inside(self, key: str) -> str:
        """The key of the result that this one stands in: its own where it has a row, or is not there."""
        with suppress(StoreUnavailable):
            if _KEY.fullmatch(key) and (where := self._lines.where(key)) is not None and not self._results(key):
                return where[0]
        return key

    def entries(self) -> list[Entry]:
        """Every stored result, the one unused for longest first. One that stands inside another counts with that."""
        pins = self.pins() | {self.inside(key) for key in self.pins()}
        return [Entry(r.key, r.bytes, r.stored_at, request_of(r.tag), r.key in pins) for r in self._results()]

    def stored(self) -> set[str]:
        """The keys of all stored results."""
        return {row.key for row in self._results()}

    def pins(self, by: str | None = None) -> set[str]:
        """The keys of pinned results; of those that were pinned in this name, where one is given."""
        found = [name.removeprefix("pin/").partition("/") for name in self._named("pin/")]
        return {key for key, _, holder in found if by is None or holder == by}

    def kept(self) -> set[str]:
        """The keys of results that are pinned in some name, whether or not by hand too."""
        return {name.split("/")[1] for name in self._named("pin/") if name.count("/") == 2}

    def sizes(self, keys: Iterable[str]) -> dict[str, int]:
        """How many bytes those of these results take that are stored; one that stands inside another, as many as that."""
        try:
            wanted = [key for key in keys if _KEY.fullmatch(key)]
            found = self._shelf.sizes(wanted)
            inside = {key: place for key in wanted if key not in found and (place := self.inside(key)) != key}
            rest = self._shelf.sizes(inside.values())
            return found | {key: rest[place] for key, place in inside.items() if place in rest}
        except StoreUnavailable as error:
            self.report(str(error))
            return {}

    def stored_since(self, time: float) -> list[Entry]:
        """The results that were stored after this time (seconds since 1970), the oldest first; `pinned` is not looked up."""
        try:
            rows = self._shelf.rows(since=time)
        except StoreUnavailable as error:
            self.report(str(error))
            return []
        return [Entry(r.key, r.bytes, r.stored_at, request_of(r.tag), False) for r in rows if _KEY.fullmatch(r.key)]

    def stored_at(self, key: str) -> float | None:
        """When a result was stored, or the one that it stands in (seconds since 1970); None where it is not there."""
        return next((row.stored_at for row in self._results(self.inside(key))), None)

    def _staying(self) -> set[str]:
        """The keys of pinned results, and of those that pinned ones stand in. Raises StoreUnavailable."""
        pins = {name.split("/")[1] for name in self._shelf.names("pin/")}
        return pins | {self.inside(key) for key in pins}

    def reads(self) -> dict[str, int]:
        """How many times `get` found a result since opening (`hit`), and how many times not (`miss`)."""
        with self._lock:
            return dict(self._reads)

    def stats(self) -> dict[str, Any]:
        """How many results, how many bytes, the limit and the folder."""
        entries, total = self._totals()
        return {"entries": entries, "bytes": total, "limit_bytes": self.limit_bytes, "folder": str(self.folder)}

    def problems(self) -> list[str]:
        """What went wrong since opening, one sentence each, oldest first."""
        with self._lock:
            return list(self._problems)

    # Writing

    def put(self, key: str, blob: Blob) -> None:
        """Store a blob, whole or not at all; an older blob of the same key stays until then.

        Raises StoreFull or StoreUnavailable when it cannot be written, ValueError for a key that is not one, and
        TypeError for a blob with something in it that cannot be stored.
        """
        self._store(key, blob.to_bytes(), blob.facts)

    def put_bytes(self, key: str, data: bytes, request: Any = None) -> None:
        """Store a blob that is bytes already, and known to be whole (see `put`)."""
        self._store(key, data, facts_of(data) if request else {})

    def _store(self, key: str, data: bytes, facts: dict[str, Any]) -> None:
        if not _KEY.fullmatch(key):
            raise ValueError(f"“{key[:40]}” is not a key of a result.")
        request = facts.get("request")
        tag = canonical_json(request) if isinstance(request, dict) else None
        self._shelf.write(key, data, tag if tag and len(tag) <= _LONGEST_TAG else None)
        with self._lock:
            self._damaged.pop(key, None)
        self._note_members(key, facts)
        self._trim(self.limit_bytes, keep=key)

    def _note_members(self, key: str, facts: dict[str, Any]) -> None:
        """Make the results that stand inside one known, and remove those of their own that it replaces."""
        with suppress(StoreUnavailable):  # they are found as part of the whole all the same
            for name in set(self._lines.note(key, facts)) - self.pins():
                if self._lines.where(name) is not None and self._results(name):
                    self._shelf.delete(name)

    def delete(self, key: str) -> None:
        """Remove a result and its pins, if they are there. Raises StoreUnavailable."""
        if _KEY.fullmatch(key):
            self._remove(key)
            for name in self._named(f"pin/{key}"):
                if name.split("/")[1] == key:
                    self._shelf.delete(name)

    def _remove(self, key: str) -> bool:
        """Remove a result, and what says that others stand inside it."""
        removed = self._shelf.delete(key)
        self._lines.forget(key)
        return removed

    def delete_damaged(self) -> int:
        """Remove the results that can never be used again; returns how many. What only cannot be read just now, or is of
        another version of Vitrine, stays. Raises StoreUnavailable."""
        damaged = [entry.key for entry in self.entries() if self._is_damaged(entry.key)]
        for key in damaged:
            self.delete(key)
        return len(damaged)

    def _is_damaged(self, key: str) -> bool:
        try:
            data = self._shelf.read(key)
            if data is not None:
                Blob.from_bytes(data)
        except (OtherLayout, StoreUnavailable):
            return False
        except (ForeignValue, DamagedBlob):
            return True
        return False

    def pin(self, key: str, by: str = "") -> None:
        """Keep this result when the store is trimmed. Each pin has a name (that of a collection; none for one set by hand),
        and the result stays until the last of them is taken away. Raises StoreUnavailable."""
        if _KEY.fullmatch(key) and (not by or _KEY.fullmatch(by)):
            self._shelf.write(f"pin/{key}/{by}" if by else f"pin/{key}", b"1")

    def unpin(self, key: str, by: str = "") -> None:
        """Take away the pin of this name. Raises StoreUnavailable."""
        self._shelf.delete(f"pin/{key}/{by}" if by else f"pin/{key}")

    def trim(self, limit_bytes: int | None = None) -> int:
        """Remove results until `limit_bytes` (default: the store's limit) is kept to; returns how many went.

        Those unused for longest go first. Pinned results and the newest one stay, whatever the limit.
        """
        return self._trim(self.limit_bytes if limit_bytes is None else limit_bytes)

    def _trim(self, limit: int, keep: str = "") -> int:
        if self._totals()[1] <= limit:  # as nearly always, and known without a list of everything
            return 0
        removed = 0
        try:
            rows, pins = self._shelf.by_use(), self._staying()
            excess = sum(size for _, size, _ in rows) - limit
            newest = max((stored for *_, stored in rows), default=0.0)
            staying = pins | {keep} | {key for key, _, stored in rows if stored == newest}
            for key, size, _ in rows:
                if excess <= 0:
                    break
                if key not in staying:
                    removed += self._remove(key)
                    excess -= size
        except StoreUnavailable as error:
            self.report(f"Older results could not be removed: {error}")
        return removed

    # Between processes and machines

    def lease(self, key: str, seconds: float = 30.0) -> AbstractContextManager[bool]:
        """Ask to be the one, of all processes, that computes `key`: True inside the block when we are.

        Renewed while the block lasts. Also True when the store cannot be written: then everyone computes alone.
        """
        return lease(self._shelf, self.mark, key, seconds)

    def close(self) -> None:
        """Close the files and connections. Afterwards reading gives None and writing raises StoreUnavailable."""
        self.mark.close()
        self._shelf.close()

    # Inside

    def _rows(self, key: str | None = None) -> list[Row]:
        try:
            return self._shelf.rows(key)
        except StoreUnavailable as error:
            self.report(str(error))
            return []

    def _totals(self) -> tuple[int, int]:
        try:
            return self._shelf.totals()
        except StoreUnavailable as error:
            self.report(str(error))
            return 0, 0

    def _named(self, prefix: str) -> list[str]:
        try:
            return self._shelf.names(prefix)
        except StoreUnavailable as error:
            self.report(str(error))
            return []

    def _results(self, key: str | None = None) -> list[Row]:
        return [row for row in self._rows(key) if _KEY.fullmatch(row.key)]

    def _note_use(self, key: str) -> None:
        now = time.time()
        with self._lock:
            if now - self._noted.get(key, 0.0) < USED_AGAIN_SECONDS:
                return
            self._noted[key] = now
        self._shelf.touch(key)

    def _damage(self, key: str, reason: str) -> None:
        with self._lock:
            self._damaged[key] = None
        self.report(f"The stored result {key} cannot be used and counts as missing: {reason}")

    def report(self, text: str) -> None:
        """Log a problem, and list it in `problems`."""
        with self._lock:
            known = text in self._problems
            self._problems[text] = None
        if not known:
            log.warning("%s", text)
