"""Who people are to each other: the names and groups that they were last seen with, by their ids.

An id owns things and is shown to nobody: where people do not log in it is what their browser proves itself by.
"""

from __future__ import annotations

import json
import time

from engine.core.config import settings
from engine.people.person import Person
from engine.people.roles import counted, granting
from engine.sharing.database import database

NOBODY = "somebody"
SEEN_AGAIN_SECONDS = 600.0


def remember(person: Person) -> None:
    """Note a person's name and groups, as they are now."""
    groups = json.dumps(sorted(person.groups | person.granting))  # a token of theirs has the role that these give
    now = time.time()
    told = (person.name, groups, person.address)
    row = database().first("SELECT name, groups, address, seen FROM people WHERE id = ?", person.id)
    if row and tuple(row)[:3] == told and now - row["seen"] < SEEN_AGAIN_SECONDS:
        return
    with database().change() as link:
        link.execute("INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?, ?)", (person.id, *told, now))


def last_seen(id: str) -> Person:
    """A person as they were last seen, with the least role: what they may is decided when they come."""
    row = database().first("SELECT * FROM people WHERE id = ?", id)
    if row is None:
        return Person(id, role="viewer")
    access, groups = settings().access, frozenset(json.loads(row["groups"]))
    return Person(id, row["name"], "viewer", counted(access, groups), row["address"], granting(access, groups))


def name_of(id: str) -> str:
    """What others read for this id."""
    row = database().first("SELECT name FROM people WHERE id = ?", id)
    return (row["name"] if row else "") or NOBODY


def shown(id: str, viewer: Person) -> str:
    """What this viewer reads for an id: “you” for their own."""
    return "you" if id == viewer.id else name_of(id)


def members_of(groups: frozenset[str]) -> list[str]:
    """The ids of people who were last seen in one of these groups."""
    rows = database().read("SELECT id, groups FROM people")
    return [row["id"] for row in rows if groups & set(json.loads(row["groups"]))]


def preference(person: Person, name: str, default: str = "") -> str:
    """What a person chose."""
    row = database().first("SELECT value FROM preferences WHERE person = ? AND name = ?", person.id, name)
    return row["value"] if row else default


def prefer(person: Person, name: str, value: str) -> None:
    """Keep what a person chose."""
    with database().change() as link:
        link.execute("INSERT OR REPLACE INTO preferences VALUES (?, ?, ?)", (person.id, name, value))
