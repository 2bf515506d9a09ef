"""Who may look at a collection, add to it, and change it.

Invariant: whoever may not look is told the same as where there is no such collection.
"""

from __future__ import annotations

from typing import get_args

from engine.core.config import settings
from engine.people.person import BROWSER, Person
from engine.sharing.items import Collection, Shared

SHARED: tuple[Shared, ...] = get_args(Shared)


def told(shared: Shared, groups: frozenset[str]) -> str:
    """Who may look, in words, where the owner is of these groups."""
    everyone = "Everyone who uses this server" if settings().access.login == "none" else "Everyone who signs in here"
    with_group = "Your group" if groups else everyone
    return {"private": "Only you", "group": with_group, "public": "Everyone with the link"}[shared]


def is_known(person: Person) -> bool:
    """Whether it is somebody, who can be told from others the next time; where people sign in, somebody who did."""
    return bool(person.id) and (settings().access.login == "none" or not person.id.startswith(BROWSER))


def may_keep(person: Person) -> bool:
    """Whether a person may gather anything: what is kept stays pinned on the server's disk."""
    return is_known(person) and person.is_at_least("member")


def in_group(person: Person, groups: frozenset[str]) -> bool:
    """Whether a person is of one of these groups; where an owner is of none, everyone who is known here is."""
    return bool(person.groups & groups) if groups else is_known(person)


def may_look(person: Person, collection: Collection) -> bool:
    """Whether a person may see a collection."""
    if person.id == collection.owner or collection.shared == "public":
        return True
    return collection.shared == "group" and in_group(person, collection.groups)


def may_add(person: Person, collection: Collection) -> bool:
    """Whether a person may add to a collection, and write notes on what they added."""
    if not may_keep(person):
        return False
    if person.id == collection.owner:
        return True
    return collection.others_add and may_look(person, collection)


def may_change(person: Person, collection: Collection) -> bool:
    """Whether a person may rename, order, share and delete a collection, and take anything out of it."""
    return person.id == collection.owner
