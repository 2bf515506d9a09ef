"""What a person keeps here beside uploads, counted, and all of it deleted when they wish."""

from __future__ import annotations

from engine.people.person import Person
from engine.sharing import collections, history, tokens
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
    """Delete all of it, and what is known of the person. Short links stay, since others may have them, and are nobody's."""
    for collection in collections.mine(person):
        collections.delete(collection.id, person)
    for row in database().read("SELECT id, collection FROM items WHERE added_by = ?", person.id):
        collections.remove(row["collection"], person, row["id"])
    for token in tokens.mine(person):
        tokens.revoke(person, token.id)
    history.forget(person)
    with database().change() as link:
        link.execute("UPDATE links SET owner = '' WHERE owner = ?", (person.id,))
        link.execute("DELETE FROM preferences WHERE person = ?", (person.id,))
        link.execute("DELETE FROM people WHERE id = ?", (person.id,))
