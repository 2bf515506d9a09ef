"""What a person keeps here beside uploads, counted, and all of it deleted when they wish."""

from __future__ import annotations

import time

from engine.people.person import Person
from engine.sharing import collections, history, holding, tokens
from engine.sharing.database import database


def counts(person: Person) -> dict[str, int]:
    """How much of each kind a person keeps: collections, items in others' collections, lines of history, short links and API
    tokens."""
    asked = {
        "items": "SELECT COUNT(*) FROM items JOIN collections ON collections.id = items.collection "
        "WHERE items.added_by = ? AND collections.owner <> items.added_by",
        "history": "SELECT COUNT(*) FROM history WHERE person = ?",
        "links": "SELECT COUNT(*) FROM links WHERE owner = ?",
    }
    found = {name: int(row[0]) if (row := database().first(text, person.id)) else 0 for name, text in asked.items()}
    return {"collections": len(collections.mine(person)), **found, "tokens": len(tokens.mine(person))}


def erase(person: Person) -> None:
    """Delete all of it, what a stopped server did not finish for them, and what is known of the person. Short links stay, since
    others may have them, and are nobody's."""
    from engine.jobs.scheduler import jobs

    for collection in collections.mine(person):
        collections.delete(collection.id, person)
    _take_out(person)
    for token in tokens.mine(person):
        tokens.revoke(person, token.id)
    history.forget(person)
    jobs().forget_interrupted(person)
    with database().change() as link:
        link.execute("UPDATE links SET owner = '' WHERE owner = ?", (person.id,))
        link.execute("DELETE FROM preferences WHERE person = ?", (person.id,))
        link.execute("DELETE FROM people WHERE id = ?", (person.id,))


def _take_out(person: Person) -> None:
    """What a person added to others' collections goes, whoever these are open to by now."""
    query = "SELECT items.collection, key FROM items LEFT JOIN held ON held.item = items.id WHERE added_by = ?"
    held: dict[str, set[str]] = {}
    for row in database().read(query, person.id):
        held.setdefault(row["collection"], set()).update([row["key"]] if row["key"] else [])
    with database().change() as link:
        link.execute("DELETE FROM items WHERE added_by = ?", (person.id,))
        changed = [(time.time(), collection) for collection in held]
        link.executemany("UPDATE collections SET changed = ? WHERE id = ?", changed)
    for collection, keys in held.items():
        holding.let_go(collection, keys)
