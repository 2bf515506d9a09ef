"""`cache`: listing, pruning, pinning, exporting and importing the stored results."""

from __future__ import annotations

import logging
import os
import time
from argparse import Namespace
from typing import Any

from cache import archive
from cache.blob import DamagedBlob
from cache.store import Entry, ResultStore, StoreUnavailable
from engine import COMMAND
from engine.cli.answer import Answer, size, table
from engine.core import config
from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.core.paths import brief, readable, typed_path
from engine.jobs import keys, pins

log = logging.getLogger(__name__)


def list_(arguments: Namespace) -> Answer:
    """Every stored result, the one unused for longest first."""
    store = _store()
    entries, stats = store.entries(), store.stats()
    total = f"{stats['entries']} results, {size(stats['bytes'])} of {size(stats['limit_bytes'])}, in {stats['folder']}"
    text = f"{_table(entries)}\n{total}" if entries else total
    return Answer({**stats, "results": [_facts(entry) for entry in entries]}, text)


def prune(arguments: Namespace) -> Answer:
    """Remove damaged results, then those unused for longest until the limit is kept to. Pinned ones stay.

    Raises Unavailable where nothing can be removed.
    """
    store = _store(to_write=True)
    before = store.stats()
    try:
        damaged = store.delete_damaged()
        removed = _delete_all(store) if arguments.all else store.trim(arguments.limit)
    except StoreUnavailable as error:
        raise Unavailable(str(error)) from error
    after = store.stats()
    freed = before["bytes"] - after["bytes"]
    return Answer(
        {"removed": removed, "damaged": damaged, "freed_bytes": freed, **after},
        f"Removed {removed} results and {damaged} damaged ones ({size(freed)}); {after['entries']} remain.",
    )


def pin(arguments: Namespace) -> Answer:
    """Pin results, or list those that are. Raises BadRequest for a key that is not stored, Unavailable where pins cannot be
    written."""
    if bool(arguments.keys) == arguments.list:
        raise BadRequest("Name the results to pin, or write --list to see those that are pinned.")
    if arguments.list:
        entries = [entry for entry in _store().entries() if entry.pinned]
        text = _table(entries) if entries else "No result is pinned."
        return Answer({"results": [_facts(entry) for entry in entries]}, text)
    return _pinning(arguments.keys, True, "Pinned")


def unpin(arguments: Namespace) -> Answer:
    """Unpin results. Raises BadRequest for a key that is not stored, Unavailable where pins cannot be written."""
    return _pinning(arguments.keys, False, "Unpinned")


def _pinning(wanted: list[str], on: bool, said: str) -> Answer:
    store = _store(to_write=True)
    for key in wanted:
        stored_under(store, key)
    done = pins.pin(wanted, on)
    return Answer({"pinned" if on else "unpinned": done}, f"{said} {len(done)} results.")


def export(arguments: Namespace) -> Answer:
    """Write results into one ZIP file. Raises BadRequest for a key that is not stored, or when it cannot be written."""
    path = typed_path(arguments.file)
    if not path.name or os.path.isdir(path):
        raise BadRequest(f"{brief(arguments.file)} is a folder. Name the ZIP file to write.")
    store = _store()
    wanted = [place for key in arguments.keys for place in stored_under(store, key)]
    try:
        count = archive.export(store, path, wanted or None, arguments.pack)
    except OSError as error:
        raise BadRequest(f"{brief(arguments.file)} cannot be written: {error.strerror or error}.") from error
    return Answer({"file": readable(str(path)), "results": count}, f"Wrote {count} results to {readable(str(path))}.")


def import_(arguments: Namespace) -> Answer:
    """Take in the results of a ZIP file; damaged and foreign ones are left out and named."""
    path = typed_path(arguments.file)
    store = _store(to_write=True)
    known = set(store.problems())
    try:
        count = archive.import_(store, path)
    except DamagedBlob as error:
        raise RefusedFile(str(error)) from error
    except StoreUnavailable as error:
        raise Unavailable(str(error)) from error
    except OSError as error:
        raise BadRequest(f"{brief(arguments.file)} cannot be imported: {error.strerror or error}.") from error
    problems = [problem for problem in store.problems() if problem not in known]
    return Answer(
        {"file": readable(str(path)), "results": count, "problems": problems},
        "\n".join([f"Added {count} new results.", *problems]),
    )


def stored_under(store: ResultStore, key: str) -> list[str]:
    """The keys of the stored results that a person means: one of them, or all of a request (one for each precision). Raises
    BadRequest where there is none."""
    there = [place for place in keys.places(key) if store.has(place)]
    if not there:
        raise BadRequest(f"No result “{brief(key)}” is stored. `{COMMAND} cache list` lists the stored ones.")
    return there


def _store(to_write: bool = False) -> ResultStore:
    """The store. Raises Unavailable, in the store's own words, where it cannot be read, or not be written if it must be."""
    logging.disable()  # a refusal is one line, and what the store says about itself is said below
    try:
        store = config.store()
        usable = store.writable or bool(not to_write and store.entries())
    finally:
        logging.disable(logging.NOTSET)
    if not usable:
        raise Unavailable(store.problems()[0])
    for problem in store.problems():
        log.warning("%s", problem)
    return store


def _delete_all(store: ResultStore) -> int:
    """Remove every result that is not pinned; returns how many. Raises StoreUnavailable."""
    unpinned = [entry.key for entry in store.entries() if not entry.pinned]
    for key in unpinned:
        store.delete(key)
    return len(unpinned)


def _table(entries: list[Entry]) -> str:
    rows = [(e.key, size(e.bytes), _when(e.stored_at), "pinned" if e.pinned else "", _what(e)) for e in entries]
    return table(("key", "size", "stored", "", "request"), rows)


def _facts(entry: Entry) -> dict[str, Any]:
    return {
        "key": entry.key,
        "bytes": entry.bytes,
        "stored_at": entry.stored_at,
        "pinned": entry.pinned,
        "request": entry.facts_request,
    }


def _what(entry: Entry) -> str:
    """The request in a few words: experiment, model, site and how many units."""
    request = entry.facts_request or {}
    words = [str(request[name]) for name in ("experiment", "model", "site", "wanted") if name in request]
    if isinstance(units := request.get("units"), list):
        words.append(f"{len(units)} units")
    return " ".join(words)


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
