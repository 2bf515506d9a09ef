"""The result store: blobs by key, within a size limit, safe against damage, full disks and sudden ends.

Invariants: what `put` returned from is read back by `get`, in any process, until it is deleted or trimmed; `get`
returns a whole, verified blob or None; nothing stored is ever unpickled; `trim` never takes a pinned result or the
newest one. The store is optional: reading from a broken one gives None, writing to it raises StoreUnavailable.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import threading
import time
from collections import OrderedDict
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cache.blob import Blob, DamagedBlob, OtherLayout, canonical_json
from cache.lease import lease
from cache.process import ProcessMark
from cache.shelf import ForeignValue, Row, Shelf, StoreFull, StoreUnavailable

__all__ = ["Entry", "ResultStore", "StoreFull", "StoreUnavailable"]

log = logging.getLogger(__name__)

USED_AGAIN_SECONDS = 3600.0
"""How coarsely use is tracked: a result read twice within this time is noted once."""
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_LONGEST_TAG = 1 << 16
_MOST_PROBLEMS = 100


@dataclass(frozen=True)
class Entry:
    """One stored result: size in bytes, time stored (seconds since 1970), the request inside it when it is short."""

    key: str
    bytes: int
    stored_at: float
    facts_request: dict[str, Any] | None
    pinned: bool


class ResultStore:
    """Results in one folder, shared by the threads of this process and by other processes. Opening never raises."""

    def __init__(self, folder: Path | str, limit_bytes: int = 4 << 30) -> None:
        self.folder = Path(folder).expanduser().absolute()
        self.limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._problems: OrderedDict[str, None] = OrderedDict()
        self._damaged: set[str] = set()
        self._noted: dict[str, float] = {}
        self._shelf = Shelf(self.folder)
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
        if not _KEY.fullmatch(key):
            return None
        try:
            data = self._shelf.read(key)
            if data is None:
                return None
            blob = Blob.from_bytes(data)
        except (ForeignValue, DamagedBlob) as error:
            self._damage(key, str(error))
            return None
        except StoreUnavailable as error:
            self.report(str(error))
            return None
        self._note_use(key)
        return blob

    def has(self, key: str) -> bool:
        """Whether a result is there and looks whole (its digest is checked by `get` only)."""
        return key not in self._damaged and any(map(self._shelf.file_is_whole, self._results(key)))

    def entries(self) -> list[Entry]:
        """Every stored result, the one unused for longest first."""
        pins = self.pins()
        return [Entry(r.key, r.bytes, r.stored_at, _request(r.tag), r.key in pins) for r in self._results()]

    def pins(self) -> set[str]:
        """The keys of pinned results."""
        return {row.key.removeprefix("pin/") for row in self._rows() if row.key.startswith("pin/")}

    def stats(self) -> dict[str, Any]:
        """How many results, how many bytes, the limit and the folder."""
        rows = self._results()
        return {
            "entries": len(rows),
            "bytes": sum(row.bytes for row in rows),
            "limit_bytes": self.limit_bytes,
            "folder": str(self.folder),
        }

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
        self.put_bytes(key, blob.to_bytes(), blob.facts.get("request"))

    def put_bytes(self, key: str, data: bytes, request: Any = None) -> None:
        """Store a blob that is bytes already (see `put`)."""
        if not _KEY.fullmatch(key):
            raise ValueError(f"“{key[:40]}” is not a key of a result.")
        tag = canonical_json(request) if isinstance(request, dict) else None
        self._shelf.write(key, data, tag if tag and len(tag) <= _LONGEST_TAG else None)
        with self._lock:
            self._damaged.discard(key)
        self._trim(self.limit_bytes, keep=key)

    def delete(self, key: str) -> None:
        """Remove a result and its pin, if they are there. Raises StoreUnavailable."""
        if _KEY.fullmatch(key):
            self._shelf.delete(key)
            self._shelf.delete(f"pin/{key}")

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

    def pin(self, key: str) -> None:
        """Keep this result when the store is trimmed. Raises StoreUnavailable."""
        if _KEY.fullmatch(key):
            self._shelf.write(f"pin/{key}", b"1")

    def unpin(self, key: str) -> None:
        """Let this result be trimmed again. Raises StoreUnavailable."""
        self._shelf.delete(f"pin/{key}")

    def trim(self, limit_bytes: int | None = None) -> int:
        """Remove results until `limit_bytes` (default: the store's limit) is kept to; returns how many went.

        Those unused for longest go first. Pinned results and the newest one stay, whatever the limit.
        """
        return self._trim(self.limit_bytes if limit_bytes is None else limit_bytes)

    def _trim(self, limit: int, keep: str = "") -> int:
        with contextlib.suppress(StoreUnavailable):
            if self._shelf.total_bytes() <= limit:  # as nearly always, and known without a list of everything
                return 0
        rows = self._results()
        excess = sum(row.bytes for row in rows) - limit
        if excess <= 0:
            return 0
        newest = max(row.stored_at for row in rows)
        staying = self.pins() | {keep} | {row.key for row in rows if row.stored_at == newest}
        removed = 0
        for row in rows:
            if excess <= 0:
                break
            if row.key in staying:
                continue
            try:
                removed += self._shelf.delete(row.key)
            except StoreUnavailable as error:
                self.report(f"Older results could not be removed: {error}")
                break
            excess -= row.bytes
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
            self._damaged.add(key)
        self.report(f"The stored result {key} cannot be used and counts as missing: {reason}")

    def report(self, text: str) -> None:
        """Log a problem, and list it in `problems`."""
        with self._lock:
            known = text in self._problems
            self._problems[text] = None
            while len(self._problems) > _MOST_PROBLEMS:
                self._problems.popitem(last=False)
        if not known:
            log.warning("%s", text)


def _request(tag: str | None) -> dict[str, Any] | None:
    try:
        request = json.loads(tag) if isinstance(tag, str) else None
    except ValueError:
        return None
    return request if isinstance(request, dict) else None
