"""One process computes a result, the others wait for it: a lease on the result's key, kept alive by a heartbeat.

Invariant: a lease only ever saves work. Whoever cannot get one for want of a working store gets on without, and the
lease of a process that died is free at once (where its death can be known) or after `seconds`.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
from collections.abc import Iterator

from cache.process import ProcessMark
from cache.shelf import ForeignValue, Shelf, StoreUnavailable


@contextlib.contextmanager
def lease(shelf: Shelf, mark: ProcessMark, key: str, seconds: float) -> Iterator[bool]:
    """Hold the lease on `key` inside the block; yields False when another holder has it."""
    name = f"lease/{key}"
    token = json.dumps([mark.id if mark.held else "", secrets.token_hex(8)]).encode()
    try:
        held = shelf.add(name, token, seconds) or (_free_if_dead(shelf, mark, name) and shelf.add(name, token, seconds))
    except StoreUnavailable:
        yield True
        return
    if not held:
        yield False
        return
    done = threading.Event()
    heart = threading.Thread(target=_beat, args=(shelf, name, token, seconds, done), name="lease", daemon=True)
    heart.start()
    try:
        yield True
    finally:
        done.set()
        heart.join()
        with contextlib.suppress(StoreUnavailable):
            shelf.swap(name, token, lambda cache: cache.delete(name))


def _beat(shelf: Shelf, name: str, token: bytes, seconds: float, done: threading.Event) -> None:
    while not done.wait(seconds / 3):
        with contextlib.suppress(StoreUnavailable):
            shelf.swap(name, token, lambda cache: cache.touch(name, expire=seconds))


def _free_if_dead(shelf: Shelf, mark: ProcessMark, name: str) -> bool:
    """Take away the lease of a process that is certainly gone; True when that was done."""
    try:
        token = shelf.read(name) or b""
        holder, _ = json.loads(token)
    except (ForeignValue, StoreUnavailable, ValueError, TypeError):
        return False
    return mark.is_dead(str(holder)) and bool(shelf.swap(name, token, lambda cache: cache.delete(name)))
