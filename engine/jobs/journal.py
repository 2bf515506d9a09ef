"""Which requests are being worked on, written down, so that a process that dies does not lose them silently.

One small JSON file for each process, beside the mark that says whether the process lives (cache/process.py).
Invariant: a request is listed as interrupted only when the process that worked on it is certainly gone. The journal
is a courtesy: where it cannot be written, jobs go on without it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

from cache.process import ProcessMark
from engine.people.person import LOCAL

log = logging.getLogger(__name__)

REMEMBERED_SECONDS = 7 * 86400.0


class Journal:
    """The active and the interrupted requests of this process, by key; the latter taken over from dead processes."""

    def __init__(self, mark: ProcessMark) -> None:
        self._mark = mark
        self._lock = threading.Lock()
        self._active: dict[str, dict[str, Any]] = {}
        self._interrupted: dict[str, dict[str, Any]] = {}
        for id in sorted({path.stem for path in mark.folder.glob("*.json")} | set(mark.others())):
            with mark.claim(id) as dead:
                if dead:
                    self._interrupted |= _read(self._file(id))
                    if not self._save():
                        continue  # theirs is removed when ours is written, and no sooner
                    with contextlib.suppress(OSError):
                        self._file(id).unlink()
                    mark.forget(id)

    def begin(self, key: str, request: dict[str, Any], owner: str = LOCAL.id) -> None:
        """A person (by id) asked for a request; asking again for an interrupted one settles that for them."""
        with self._lock:
            self._let_go(key, owner)
            line = self._active.setdefault(key, {"request": request, "since": time.time(), "owners": []})
            line["owners"] = [*dict.fromkeys([*line["owners"], owner])]
            self._save()

    def leave(self, key: str, owner: str) -> None:
        """A person took a request back, which others may want still: it is not offered to this one again."""
        with self._lock:
            if (line := self._active.get(key)) is None or owner not in line["owners"]:
                return
            line["owners"] = [other for other in line["owners"] if other != owner]
            if not line["owners"]:
                del self._active[key]
            self._save()

    def end(self, key: str) -> None:
        """A request is done with, however it went."""
        with self._lock:
            if self._active.pop(key, None):
                self._save()

    def interrupted(self, owner: str = LOCAL.id) -> dict[str, dict[str, Any]]:
        """Requests of a person by key that a process which is gone had taken on and not finished, oldest first."""
        with self._lock:
            mine = {key: line for key, line in self._interrupted.items() if owner in line["owners"]}
        return {key: dict(line["request"]) for key, line in sorted(mine.items(), key=lambda item: item[1]["since"])}

    def __len__(self) -> int:
        """How many interrupted requests there are, of all people."""
        with self._lock:
            return len(self._interrupted)

    def forget(self, owner: str = LOCAL.id, key: str | None = None) -> None:
        """Stop listing an interrupted request of a person, or (without a key) all of theirs."""
        with self._lock:
            for gone in [*self._interrupted] if key is None else [key]:
                self._let_go(gone, owner)
            self._save()

    def _let_go(self, key: str, owner: str) -> None:
        """Nobody else's notice of an interrupted request goes with this person's."""
        if (line := self._interrupted.get(key)) is None or owner not in line["owners"]:
            return
        line["owners"] = [other for other in line["owners"] if other != owner]
        if not line["owners"]:
            del self._interrupted[key]

    def close(self) -> None:
        """Leave the file when it still says something (an unfinished request, or one that nobody asked for again)."""
        with self._lock:
            if not self._active and not self._interrupted:
                with contextlib.suppress(OSError):
                    self._file(self._mark.id).unlink()

    def _file(self, id: str) -> Path:
        return self._mark.folder / f"{id}.json"

    def _lines(self) -> dict[str, dict[str, Any]]:
        """What the next process is to know: what is being worked on, and what was interrupted and is nobody's to forget yet."""
        lines = {**self._interrupted}
        for key, line in self._active.items():
            before = self._interrupted.get(key, {}).get("owners", [])
            lines[key] = line | {"owners": [*dict.fromkeys([*before, *line["owners"]])]}
        return lines

    def _save(self) -> bool:
        if not self._mark.held:
            return False
        path = self._file(self._mark.id)
        partial = path.with_suffix(".part")
        try:
            partial.write_text(json.dumps(self._lines()))
            os.replace(partial, path)
            return True
        except OSError as error:
            log.warning("The list of active jobs could not be written: %s", error)
            return False


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """The lines of a journal that are well formed and not too old."""
    try:
        lines = json.loads(path.read_text())
        oldest = time.time() - REMEMBERED_SECONDS
        return {
            str(key): {
                "request": dict(line["request"]),
                "since": float(line["since"]),
                "owners": [str(owner) for owner in line.get("owners", [LOCAL.id])],
            }
            for key, line in lines.items()
            if float(line["since"]) > oldest
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
