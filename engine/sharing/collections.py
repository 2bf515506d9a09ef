"""Collections: what a person gathers of units, images, results and views, with notes, in an order, for themselves or others.

Every function takes the person who asks, and raises BadRequest where there is no such collection or the person may not do it;
Forbidden where their role does not reach so far.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Sequence

from engine.core import config
from engine.core.errors import BadRequest
from engine.people import audit
from engine.people.person import Person
from engine.sharing import access, holding, names
from engine.sharing.database import database
from engine.sharing.items import LONGEST_NOTE, LONGEST_TITLE, Collection, Item, Kept, Shared

MOST_COLLECTIONS, MOST_ITEMS = 200, 500
FIRST = "My findings"
CURRENT = "collection"
"""The preference that says which collection one click adds to."""
GONE = "There is no such collection, or it is not shared with you. Ask the person who sent the link."


# Reading


def find(id: str, person: Person) -> Collection:
    """The collection of this id."""
    row = database().first(f"{_SELECT} WHERE collections.id = ?", id)
    if row is None or not access.may_look(person, found := _collection(row)):
        raise BadRequest(GONE)
    return found


def mine(person: Person) -> list[Collection]:
    """A person's own collections, the one changed last first."""
    rows = database().read(f"{_SELECT} WHERE owner = ? ORDER BY changed DESC", person.id)
    return [_collection(row) for row in rows]


def shared_with(person: Person) -> list[Collection]:
    """Others' collections that are shared with a group that the person is of. Public ones are found by their links alone."""
    rows = database().read(f"{_SELECT} WHERE shared = 'group' AND owner <> ? ORDER BY changed DESC", person.id)
    return [found for row in rows if access.may_look(person, found := _collection(row))]


def items(collection: Collection) -> list[Kept]:
    """What is in a collection, in its order."""
    rows = database().read("SELECT * FROM items WHERE collection = ? ORDER BY place, id", collection.id)
    return [
        Kept(row["id"], Item.model_validate_json(row["item"]), row["note"], row["added_by"], row["added"])
        for row in rows
    ]


# Changing


def create(person: Person, title: str, about: str = "") -> Collection:
    """A new, empty and private collection."""
    person.require("member", "keep results")
    names.remember(person)
    id, now = secrets.token_hex(10), time.time()
    with database().change() as link:
        if (
            link.execute("SELECT COUNT(*) FROM collections WHERE owner = ?", (person.id,)).fetchone()[0]
            >= MOST_COLLECTIONS
        ):
            raise BadRequest(f"You have {MOST_COLLECTIONS} collections, which is the most. Delete one first.")
        link.execute(
            "INSERT INTO collections (id, owner, title, about, created, changed) VALUES (?, ?, ?, ?, ?, ?)",
            (id, person.id, _title(title), _note(about), now, now),
        )
    audit.note(person, "collection", "created", key=id)
    return find(id, person)


def change(id: str, person: Person, *, title: str | None = None, about: str | None = None) -> Collection:
    """Rename a collection, or say something else of it."""
    found = _to_change(id, person)
    with database().change() as link:
        told = (found.title if title is None else _title(title), found.about if about is None else _note(about))
        link.execute("UPDATE collections SET title = ?, about = ?, changed = ? WHERE id = ?", (*told, time.time(), id))
    return find(id, person)


def share(id: str, person: Person, shared: Shared, others_add: bool = False) -> Collection:
    """Say who may look at a collection, and whether they may add to it."""
    _to_change(id, person)
    if shared == "group" and not person.groups and config.settings().access.groups:
        raise BadRequest(
            "You are in none of the groups that share here. Share it with everyone who has the link instead."
        )
    groups = json.dumps(sorted(person.groups))
    with database().change() as link:
        link.execute(
            "UPDATE collections SET shared = ?, groups = ?, others_add = ?, changed = ? WHERE id = ?",
            (shared, groups, bool(others_add and shared != "private"), time.time(), id),
        )
    audit.note(person, "share", shared, key=id, others_add=bool(others_add))
    return find(id, person)


def delete(id: str, person: Person) -> None:
    """Delete a collection. Its results stay until room is needed, and longer where somebody else keeps them."""
    _to_change(id, person)
    keys = holding.keys_of(id)
    with database().change() as link:
        link.execute("DELETE FROM collections WHERE id = ?", (id,))
    holding.let_go(id, keys)
    audit.note(person, "collection", "deleted", key=id)


def add(id: str, person: Person, added: Sequence[Item], notes: Sequence[str] = ()) -> int:
    """Add items at the end, but for those that are there already; returns how many. Their results are pinned."""
    person.require("member", "keep results")
    found = find(id, person)
    if not access.may_add(person, found):
        raise BadRequest(f"“{found.title}” is not open to additions. Ask its owner, or copy it.")
    names.remember(person)
    taken = 0
    with database().change() as link:
        last = link.execute(
            "SELECT COALESCE(MAX(place), 0), COUNT(*) FROM items WHERE collection = ?", (id,)
        ).fetchone()
        for number, item in enumerate(added):
            note = _note(notes[number]) if number < len(notes) else ""
            taken += _insert(link, id, person, item, note, last[0] + number + 1)
        if last[1] + taken > MOST_ITEMS:
            raise BadRequest(f"A collection holds {MOST_ITEMS} items at most. Begin another one.")
        if taken:
            link.execute("UPDATE collections SET changed = ? WHERE id = ?", (time.time(), id))
            holding.refuse_too_much(found.owner)
    holding.keep(id)
    if taken:
        audit.note(person, "collection", "added to", key=id, items=taken)
    return taken


def _insert(link: sqlite3.Connection, id: str, person: Person, item: Item, note: str, place: int) -> bool:
    row = (id, place, item.digest, item.model_dump_json(), note, person.id, time.time())
    done = link.execute(
        "INSERT OR IGNORE INTO items (collection, place, digest, item, note, added_by, added) VALUES (?, ?, ?, ?, ?, ?, ?)",
        row,
    )
    if done.rowcount < 1:
        return False
    held = [(id, done.lastrowid, key) for key in dict.fromkeys(item.results)]
    link.executemany("INSERT INTO held (collection, item, key) VALUES (?, ?, ?)", held)
    return True


def annotate(id: str, person: Person, item: int, note: str) -> None:
    """Write the note of an item: its own adder's, or the owner's right."""
    _of_mine(id, person, item)
    with database().change() as link:
        link.execute("UPDATE items SET note = ? WHERE id = ? AND collection = ?", (_note(note), item, id))
        link.execute("UPDATE collections SET changed = ? WHERE id = ?", (time.time(), id))


def remove(id: str, person: Person, item: int) -> None:
    """Take an item out: its own adder's, or the owner's right."""
    _of_mine(id, person, item)
    keys = [row["key"] for row in database().read("SELECT key FROM held WHERE item = ?", item)]
    with database().change() as link:
        link.execute("DELETE FROM items WHERE id = ? AND collection = ?", (item, id))
        link.execute("UPDATE collections SET changed = ? WHERE id = ?", (time.time(), id))
    holding.let_go(id, keys)


def order(id: str, person: Person, ids: Sequence[int]) -> None:
    """Put the items in this order. What was added meanwhile, and is not named, comes last."""
    _to_change(id, person)
    with database().change() as link:
        there = [row[0] for row in link.execute("SELECT id FROM items WHERE collection = ? ORDER BY place, id", (id,))]
        wanted = [each for each in dict.fromkeys(ids) if each in there]
        wanted += [each for each in there if each not in wanted]
        link.executemany(
            "UPDATE items SET place = ? WHERE id = ?", [(place, each) for place, each in enumerate(wanted)]
        )
        link.execute("UPDATE collections SET changed = ? WHERE id = ?", (time.time(), id))


def copy(id: str, person: Person) -> Collection:
    """A collection of the person's own with the same items and notes."""
    found = find(id, person)
    made = create(person, f"Copy of {found.title}"[:LONGEST_TITLE], found.about)
    kept = items(found)
    try:
        add(made.id, person, [each.item for each in kept], [each.note for each in kept])
    except BadRequest:
        delete(made.id, person)
        raise
    return find(made.id, person)


# The one that a click adds to


def current(person: Person) -> Collection | None:
    """The collection that one click adds to: the one chosen, else the person's own that was changed last."""
    try:
        chosen = find(names.preference(person, CURRENT), person)
        if access.may_add(person, chosen):
            return chosen
    except BadRequest:
        pass
    return next(iter(mine(person)), None)


def keep(person: Person, item: Item) -> tuple[Collection, bool]:
    """One click: add an item to the current collection, which begins with it. Gives it, and whether the item is new there."""
    into = current(person) or create(person, FIRST)
    return into, bool(add(into.id, person, [item]))


def choose(person: Person, id: str) -> None:
    """Let one click add to this collection from now on."""
    names.prefer(person, CURRENT, find(id, person).id)


# Inside

_SELECT = "SELECT collections.*, (SELECT COUNT(*) FROM items WHERE items.collection = collections.id) AS count FROM collections"


def _collection(row: sqlite3.Row) -> Collection:
    named = dict(row)
    named |= {"groups": frozenset(json.loads(row["groups"])), "others_add": bool(row["others_add"])}
    return Collection(**named)


def _to_change(id: str, person: Person) -> Collection:
    found = find(id, person)
    if not access.may_change(person, found):
        raise BadRequest(f"Only its owner can change “{found.title}”. Copy it to have one of your own.")
    return found


def _of_mine(id: str, person: Person, item: int) -> None:
    found = find(id, person)
    row = database().first("SELECT added_by FROM items WHERE id = ? AND collection = ?", item, id)
    if row is None:
        raise BadRequest("This item is not in the collection any more.")
    if not access.may_change(person, found) and not (access.may_add(person, found) and row["added_by"] == person.id):
        raise BadRequest("Only the person who added this, and the collection's owner, can change it.")


def _title(title: str) -> str:
    title = " ".join(title.split())
    if not title:
        raise BadRequest("The name is empty. Write one.")
    if len(title) > LONGEST_TITLE:
        raise BadRequest(f"The name has {len(title)} letters; {LONGEST_TITLE} are allowed.")
    return title


def _note(note: str) -> str:
    if len(note) > LONGEST_NOTE:
        raise BadRequest(f"The note has {len(note)} letters; {LONGEST_NOTE} are allowed.")
    return note.strip()
