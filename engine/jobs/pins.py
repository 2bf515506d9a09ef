"""Pinned results: those that are never removed to make room for others.

A pin that is set by hand is nobody's own. So where people sign in, who keep what is theirs in collections, operators alone set
it; and what others pin leaves half of the store to what is not pinned.
"""

from __future__ import annotations

from collections.abc import Collection

from cache.store import StoreUnavailable
from engine.core import config
from engine.core.errors import BadRequest, Unavailable
from engine.jobs import keys
from engine.people import audit
from engine.people.person import LOCAL, Person, Role

SHARE = 0.5
"""Of the store's limit, for what is pinned by hand by people who are no operators."""
GIB = 1 << 30


def may_pin(person: Person) -> bool:
    """Whether this person may pin results, and unpin them."""
    return person.is_at_least(_least())


def _least() -> Role:
    return "member" if config.settings().access.login == "none" else "operator"


def pin(wanted: Collection[str], on: bool = True, person: Person = LOCAL) -> list[str]:
    """Pin those of these results that are stored, or (`on` false) unpin them; returns which they are. The key of a request
    stands for all of its results, one for each precision.

    Raises Unavailable where the store cannot be written, Forbidden where this person may not, BadRequest where that would be too
    much.
    """
    person.require(_least(), "pin results")
    store = config.store()
    stored = {key: there for key in wanted if (there := [place for place in keys.places(key) if store.has(place)])}
    if on and not person.is_at_least("operator"):
        _refuse_too_much({place for there in stored.values() for place in there})
    try:
        for place in [place for there in stored.values() for place in there]:
            (store.pin if on else store.unpin)(place)
    except StoreUnavailable as error:
        raise Unavailable(str(error)) from error
    audit.note(person, "pin" if on else "unpin", "done", results=len(stored), key=next(iter(stored), ""))
    return [*stored]


def _refuse_too_much(more: set[str]) -> None:
    """Raise BadRequest where with these more would be pinned by hand than there is room for."""
    store = config.store()
    size = sum(store.sizes({store.inside(place) for place in store.pins("") | more}).values())
    if size > (most := SHARE * store.limit_bytes):
        raise BadRequest(
            f"With this {size / GIB:.2f} GiB of results would be pinned, and there is room for {most / GIB:.2f} GiB. Unpin some, "
            "or keep this in a collection."
        )


def pinned(wanted: Collection[str]) -> set[str]:
    """Those of these keys under which a result is pinned by hand; collections have pins of their own."""
    pins = config.store().pins("")
    return {key for key in wanted if pins & set(keys.places(key))}
