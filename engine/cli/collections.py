"""`collections`: those of whoever sits at the machine, listed, written into a file and taken in from one, however large."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from engine.cli.answer import Answer, table
from engine.core.errors import BadRequest
from engine.core.paths import brief, readable, typed_path, whole
from engine.people import audit
from engine.people.person import LOCAL
from engine.sharing import access, bundle, collections
from engine.sharing.items import Collection


def list_(arguments: Namespace) -> Answer:
    """One's own collections, and those of others that are shared with everybody here."""
    found = [*collections.mine(LOCAL), *collections.shared_with(LOCAL)]
    rows = [(each.id, each.count, access.told(each.shared, each.groups).lower(), each.title) for each in found]
    text = table(("collection", "items", "who may look", "title"), rows) if rows else "There are no collections."
    return Answer({"collections": [_facts(each) for each in found]}, text)


def export(arguments: Namespace) -> Answer:
    """Write a collection with its notes and results into one file. Raises BadRequest where there is none of this id, or it cannot
    be written."""
    found, path = collections.find(arguments.collection, LOCAL), typed_path(arguments.file)
    if not path.name or path.is_dir():
        raise BadRequest(f"{brief(arguments.file)} is a folder. Name the file to write.")
    data = bundle.export(found)
    try:
        with whole(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        raise BadRequest(f"{brief(arguments.file)} cannot be written: {error.strerror or error}.") from error
    audit.note(LOCAL, "export", "done", key=found.id, kind="file")
    facts = {**_facts(found), "file": readable(str(path)), "bytes": len(data)}
    return Answer(facts, f"Wrote “{found.title}” to {readable(str(path))}.")


def import_(arguments: Namespace) -> Answer:
    """A new collection from such a file. Raises RefusedFile for what is none, BadRequest where it is too much."""
    path = typed_path(arguments.file)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadRequest(f"{brief(arguments.file)} cannot be imported: {error.strerror or error}.") from error
    taken = bundle.import_(data, LOCAL)
    made = collections.share(taken.collection.id, LOCAL, "group") if arguments.share else taken.collection
    facts = {**_facts(made), "results": taken.results}
    return Answer(facts, f"Imported “{made.title}” as {made.id}: {made.count} items, {taken.results} results.")


def _facts(collection: Collection) -> dict[str, Any]:
    return {
        "collection": collection.id,
        "title": collection.title,
        "items": collection.count,
        "shared": collection.shared,
    }
