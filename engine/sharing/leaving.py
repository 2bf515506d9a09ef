"""What is here of a person beside uploads and sweeps, counted, and all of it deleted when they wish."""

from __future__ import annotations

import time

from engine.people.person import Person
from engine.sharing import collections, history, holding, tokens
from engine.sharing.database import database


def counts(person: Person) -> dict[str, int]:
    """How much of each kind is here of a person: collections, items in others' collections, lines of history, short links that
    only they took, choices, what is known of them, API tokens, jobs, and what a stopped server did not finish for them."""
    asked = {
        "items": "SELECT COUNT(*) FROM items JOIN collections ON collections.id = items.collection "
        "WHERE items.added_by = ? AND collections.owner <> items.added_by",
        "history": "SELECT COUNT(*) FROM history WHERE person = ?",
        "links": "SELECT COUNT(*) FROM links WHERE owner = ?",
        "choices": "SELECT COUNT(*) FROM preferences WHERE person = ?",
        "known": "SELECT COUNT(*) FROM people WHERE id = ? AND name || address <> ''",
    }
    from engine.jobs.scheduler import jobs

    found = {name: int(row[0]) if (row := database().first(text, person.id)) else 0 for name, text in asked.items()}
    found |= {"tokens": len(tokens.mine(person)), "jobs": len(jobs().active(person))}
    return {"collections": len(collections.mine(person)), **found, "interrupted": len(jobs().interrupted(person))}


def erase(person: Person) -> None:
    """Delete all of it. Jobs are cancelled, but for what others want too; a short link that somebody else took too stays."""
    from engine.jobs.scheduler import jobs

    for job in jobs().active(person):
        jobs().cancel(job, person)
    for collection in collections.mine(person):
        collections.delete(collection.id, person)
    _take_out(person)
    for token in tokens.mine(person):
        tokens.revoke(person, token.id)
    history.forget(person)
    jobs().forget_interrupted(person)
    with database().change() as link:
        link.execute("DELETE FROM links WHERE owner = ?", (person.id,))
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
