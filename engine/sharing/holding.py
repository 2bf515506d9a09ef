"""The results of collections stay: each is pinned in the name of its collection, beside what people pin by hand.

Invariants: what two collections hold, or a collection and a hand, stays until the last of them lets go; nothing is pinned so
beyond what a person may have, nor beyond a share of the store. In demo mode nothing is pinned: whoever passes by a public server
shall not fill its disk for good.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from cache.store import StoreUnavailable
from engine.core import config
from engine.core.errors import BadRequest
from engine.sharing.database import database

log = logging.getLogger(__name__)
SHARE = 0.4
"""Of the store's limit, for the collections of all people together. Beside what people may pin by hand (`engine.jobs.pins.SHARE`)
it leaves some of the store to what nobody pins."""
GIB = 1 << 30


def sizes(keys: Iterable[str]) -> dict[str, int]:
    """How many bytes these results take, by where they are stored: of a request's key, in each precision that there is."""
    from engine.jobs import keys as stored

    return config.store().sizes(place for key in set(keys) for place in stored.places(key))


def stored_at(key: str) -> float | None:
    """When a result was stored (seconds since 1970), of several precisions this machine's first; None where it is not there."""
    from engine.jobs import keys as stored

    times = map(config.store().stored_at, stored.places(key))
    return next((time for time in times if time is not None), None)


def keys_of(collection: str) -> list[str]:
    """The keys of the results that a collection holds."""
    return [row["key"] for row in database().read("SELECT DISTINCT key FROM held WHERE collection = ?", collection)]


def keep(collection: str, keys: Iterable[str] | None = None) -> str:
    """Pin the results of a collection (or these of it) that are stored. What is stored later is pinned then. Nothing more is
    pinned, and a sentence says why, where that would be too much."""
    if config.settings().demo:
        return ""
    new = sizes(keys_of(collection) if keys is None else keys).keys() - config.store().pins(collection)
    row = database().first("SELECT owner FROM collections WHERE id = ?", collection)
    if not new or row is None:
        return ""
    if refusal := _too_much(row["owner"]):
        return refusal
    try:
        for place in new:
            config.store().pin(place, collection)
    except StoreUnavailable as error:
        log.warning("Results of a collection could not be pinned: %s", error)
    return ""


def let_go(collection: str, keys: Iterable[str]) -> None:
    """Unpin those of these results that the collection does not hold any more; whoever else pinned them keeps them."""
    from engine.jobs import keys as stored

    gone = set(keys) - set(keys_of(collection))
    try:
        for place in {place for key in gone for place in stored.places(key)} & config.store().pins(collection):
            config.store().unpin(place, collection)
    except StoreUnavailable as error:
        log.warning("Results of a collection could not be let go: %s", error)


def keep_what_ended(key: str) -> None:
    """A result was stored: pin it for every collection that holds it. Where it is too much, the collection's page says so."""
    for row in database().read("SELECT DISTINCT collection FROM held WHERE key = ?", key):
        keep(row["collection"], [key])


def held_bytes(owner: str) -> int:
    """How many bytes of results a person's collections hold, each result counted once, whoever made it; what waits to be computed
    counts when it is stored."""
    return sum(_held(owner).values())


def _held(owner: str) -> dict[str, int]:
    query = "SELECT DISTINCT key FROM held JOIN collections ON collections.id = held.collection WHERE owner = ?"
    return sizes(row["key"] for row in database().read(query, owner))


def refuse_too_much(owner: str) -> None:
    """Raise BadRequest where a person's collections would hold more than the operator allows, or those of all people together
    more than there is room for."""
    if not config.settings().demo and (refusal := _too_much(owner)):
        raise BadRequest(refusal)


def _too_much(owner: str) -> str:
    """Why not all that a person's collections hold can stay; empty where it can."""
    held, limit = _held(owner), int(config.settings().sharing.kept_bytes)
    if (size := sum(held.values())) > limit:
        return (
            f"With this the collections would hold {size / GIB:.2f} GiB of results, and {limit / GIB:.2f} GiB are allowed for "
            "each person. Take something out first."
        )
    store, kept = config.store(), config.store().kept()
    together, most = kept | held.keys(), SHARE * store.limit_bytes
    if together == kept or sum(store.sizes(together).values()) <= most:
        return ""
    # What stands in one result was counted with all of it each time; to look up where takes long.
    size = sum(store.sizes({store.inside(place) for place in together}).values())
    if size <= most:
        return ""
    return (
        f"With this the collections of all people together would hold {size / GIB:.2f} GiB of results, and there is room for "
        f"{most / GIB:.2f} GiB. Take something out first, or ask whoever runs this server for more room."
    )
