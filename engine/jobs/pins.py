"""Pinned results: those that are never removed to make room for others."""

from __future__ import annotations

from collections.abc import Collection

from cache.store import StoreUnavailable
from engine.core import config
from engine.core.errors import Unavailable
from engine.jobs import keys
from engine.people import audit
from engine.people.person import LOCAL, Person


def pin(wanted: Collection[str], on: bool = True, person: Person = LOCAL) -> list[str]:
    """Pin those of these results that are stored, or (`on` false) unpin them; returns which they are. The key of a request
    stands for all of its results, one for each precision.

    Raises Unavailable where the store cannot be written, Forbidden where this person may not.
    """
    person.require("member", "pin results")
    store = config.store()
    stored = {key: there for key in wanted if (there := [place for place in keys.places(key) if store.has(place)])}
    try:
        for place in [place for there in stored.values() for place in there]:
            (store.pin if on else store.unpin)(place)
    except StoreUnavailable as error:
        raise Unavailable(str(error)) from error
    audit.note(person, "pin" if on else "unpin", "done", results=len(stored), key=next(iter(stored), ""))
    return [*stored]


def pinned(wanted: Collection[str]) -> set[str]:
    """Those of these keys under which a result is pinned by hand; collections have pins of their own."""
    pins = config.store().pins("")
    return {key for key in wanted if pins & set(keys.places(key))}
