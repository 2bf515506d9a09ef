"""Whose uploads are whose: a small file beside each upload names its owners, and since when.

Invariants: the same file of two persons belongs to both, and goes with the last; what is removed takes along the results that
were made of it; nobody stores more than the settings allow.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cache.store import StoreUnavailable
from engine.core import config
from engine.core.choices import UPLOADS
from engine.core.errors import BadRequest, Unavailable
from engine.core.paths import whole
from engine.people import audit
from engine.people.person import LOCAL, Person

SUFFIX = ".owners"
LONGEST_NAME = 80
DAY = 86400.0
_LOCK = threading.Lock()
_LISTENERS: list[Callable[[str], None]] = []


@dataclass(frozen=True)
class Belonging:
    """One upload of a person: what kind, under which digest, what its file was called, bytes, and since when (seconds since
    1970)."""

    kind: str
    digest: str
    name: str
    bytes: int
    since: float


def folder() -> Path:
    """Where uploads are kept, a folder for each kind."""
    return config.settings().cluster.uploads_folder or config.settings().cache_folder / "uploads"


def check_room(person: Person, size: int) -> None:
    """Raises Forbidden where this person may not store anything, BadRequest where they have no room for so many bytes. Whoever
    sits at the machine has its disk."""
    person.require("member", "upload files")
    if person.id == LOCAL.id:
        return
    limits, mine = config.settings().limits, stored(person)
    if len(mine) >= limits.uploads_per_person:
        raise BadRequest(
            f"You have {len(mine)} files stored here, which is the most. Delete some on the page “Privacy and your data”."
        )
    if sum(each.bytes for each in mine) + size > limits.upload_bytes_per_person:
        raise BadRequest(
            f"Your files would take more than {limits.upload_bytes_per_person.human_readable()}. Delete some on the page "
            "“Privacy and your data”."
        )


def keep(path: Path, person: Person, name: str, size: int, write: Callable[[], None]) -> None:
    """Keep a file of so many bytes as this person's: `write` makes it where it is not there, else it is theirs too, and counts as
    used. One is kept after the other, so that of two who bring the same at once both own it. Raises as `check_room`, OSError, and
    what `write` raises."""
    with _LOCK:
        there = path.exists()
        owners = _owners(path) if there else {}
        if person.id not in owners:
            check_room(person, size)
        if there:
            path.touch()
        else:
            write()
        owners[person.id] = {"name": name[:LONGEST_NAME], "since": time.time()}
        _write(path, owners)
    audit.note(person, "upload", "done", kind=path.parent.name, digest=path.stem)


def stored(person: Person) -> list[Belonging]:
    """What a person uploaded and is still there, the newest first."""
    found = [_belonging(path, owners[person.id]) for path in _files() if person.id in (owners := _owners(path))]
    return sorted(found, key=lambda each: -each.since)


def remove(person: Person, kind: str, digest: str) -> bool:
    """Take a person's upload away, and the file with what was made of it where nobody else has uploaded it; whether it went.

    Raises BadRequest where it is not theirs, Unavailable where it cannot be removed.
    """
    path = next((path for path in _files() if path.parent.name == kind and path.stem == digest), None)
    with _LOCK:
        owners = _owners(path) if path else {}
        if path is None or person.id not in owners:
            raise BadRequest("You have no such file here.")
        del owners[person.id]
        try:
            if owners:
                _write(path, owners)
            else:
                discard(path)
        except (OSError, StoreUnavailable) as error:
            raise Unavailable(f"The file cannot be removed: {getattr(error, 'strerror', None) or error}.") from None
    audit.note(person, "delete", "done", kind=kind, digest=digest)
    return not owners


def remove_old() -> int:
    """Remove the uploads that nobody has used for as long as the settings say; returns how many."""
    days = config.settings().limits.upload_days
    if not days:
        return 0
    oldest, removed = time.time() - days * DAY, 0
    for path in _files():
        with contextlib.suppress(OSError, StoreUnavailable), _LOCK:
            if path.stat().st_mtime < oldest:
                discard(path)
                removed += 1
    return removed


def discard(path: Path) -> None:
    """Remove a kept file, the names of its owners, and the results that were made of it; whoever listens hears of it. Raises
    OSError, StoreUnavailable."""
    path.unlink(missing_ok=True)
    _sidecar(path).unlink(missing_ok=True)
    path.with_suffix(".json").unlink(missing_ok=True)  # a checkpoint's card
    reference = UPLOADS[path.parent.name] + path.stem
    discard_made_of(reference)
    for listener in _LISTENERS:
        listener(reference)


def discard_made_of(reference: str) -> None:
    """Remove the results that were made of what requests refer to so, unless it is there (again). Raises StoreUnavailable."""
    if any(UPLOADS[path.parent.name] + path.stem == reference for path in _files()):
        return
    for entry in config.store().entries():
        if entry.facts_request is not None and reference in json.dumps(entry.facts_request):
            config.store().delete(entry.key)


def listen(listener: Callable[[str], None]) -> None:
    """Tell this listener, which only takes note, how requests refer to each upload that is removed from now on."""
    _LISTENERS.append(listener)


def _files() -> list[Path]:
    return [path for kind in UPLOADS for path in sorted((folder() / kind).glob("*.*")) if _is_kept(path)]


def _is_kept(path: Path) -> bool:
    return path.suffix in (".npy", ".png", ".csv", ".safetensors") and len(path.stem) == 16


def _sidecar(path: Path) -> Path:
    return path.with_suffix(SUFFIX)


def _belonging(path: Path, facts: dict[str, Any]) -> Belonging:
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    return Belonging(path.parent.name, path.stem, str(facts.get("name", "")), size, float(facts.get("since", 0.0)))


def _owners(path: Path) -> dict[str, dict[str, Any]]:
    """The owners of a kept file by id; of one that was kept before there were owners, whoever sits at the machine."""
    try:
        found = json.loads(_sidecar(path).read_text(encoding="utf-8"))
        return {str(id): dict(facts) for id, facts in found.items()}
    except FileNotFoundError:
        return {LOCAL.id: {}} if path.exists() else {}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write(path: Path, owners: dict[str, dict[str, Any]]) -> None:
    with whole(_sidecar(path)) as partial:
        partial.write_text(json.dumps(owners), encoding="utf-8")
