"""Short links: `?v=ID` stands for a page and its parameters, which the server keeps.

An id is a keyed digest of what it stands for, so that the same view has the same link and nobody can guess another's. It is
known before it is kept: a page can offer it without writing anything, and keeps it when somebody takes it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from engine.core.errors import BadRequest, Unavailable
from engine.people.person import Person
from engine.sharing.database import database
from engine.sharing.items import PageName, Params

PARAMETER = "v"
MOST, MOST_OF_ALL = 1000, 50_000
"""Links that the server keeps for one person, and for all together; those that were unused for longest go."""
USED_AGAIN_SECONDS = 3600.0
"""How exactly it is known when a link was last used."""
_ID = re.compile(r"[a-z2-7]{16}")
_PAGE, _PARAMS = TypeAdapter(PageName), TypeAdapter(Params)
GONE = "This short link leads nowhere: it was never made here, or what it stood for is gone. Ask for the long one."


@dataclass(frozen=True)
class View:
    """A page, by its name, with the parameters that say what it shows."""

    page: str
    params: dict[str, str]


def id_of(page: str, params: Mapping[str, str]) -> str:
    """The id that this view has or will have, 80 bits as base32. Raises BadRequest for what no page shows."""
    text = _text(page, params)
    digest = hashlib.blake2b(text.encode(), key=_secret(), digest_size=10).digest()
    return base64.b32encode(digest).decode().lower()


def keep(page: str, params: Mapping[str, str], person: Person) -> str:
    """Keep a view, and give its id. A link that a second person takes too is nobody's from then on: it goes with neither. Of more
    than `MOST` of one person, and `MOST_OF_ALL`, those go that were unused for longest."""
    id = id_of(page, params)
    row = database().first("SELECT owner FROM links WHERE id = ?", id)
    if row is None or row["owner"] not in ("", person.id):
        with database().change() as link:
            new = (id, page, json.dumps(dict(params)), person.id, time.time())
            link.execute("INSERT OR IGNORE INTO links VALUES (?, ?, ?, ?, ?)", new)
            link.execute("UPDATE links SET owner = '' WHERE id = ? AND owner <> ?", (id, person.id))
            for which, values in (("WHERE owner = ?", (person.id, MOST)), ("", (MOST_OF_ALL,))):
                too_many = f"SELECT id FROM links {which} ORDER BY used DESC, rowid DESC LIMIT -1 OFFSET ?"
                link.execute(f"DELETE FROM links WHERE id IN ({too_many})", values)
    return id


def find(id: str) -> View:
    """The view that a short link stands for. Raises BadRequest where it stands for none."""
    row = database().first("SELECT page, params, used FROM links WHERE id = ?", id) if _ID.fullmatch(id) else None
    if row is None:
        raise BadRequest(GONE)
    if (now := time.time()) - row["used"] > USED_AGAIN_SECONDS:
        # Where nothing can be written, it leads there all the same.
        with contextlib.suppress(Unavailable), database().change() as link:
            link.execute("UPDATE links SET used = ? WHERE id = ?", (now, id))
    return View(row["page"], json.loads(row["params"]))


def _text(page: str, params: Mapping[str, str]) -> str:
    try:
        return json.dumps([_PAGE.validate_python(page), _PARAMS.validate_python(dict(params))], sort_keys=True)
    except ValidationError:
        raise BadRequest("This view is too large for a short link. Use the long one.") from None


def _secret() -> bytes:
    """What ids are made with: drawn once, and the same in all processes."""
    row = database().first("SELECT value FROM secrets WHERE name = 'links'")
    if row is None:
        with database().change() as link:
            link.execute("INSERT OR IGNORE INTO secrets VALUES ('links', ?)", (secrets.token_bytes(32),))
        row = database().first("SELECT value FROM secrets WHERE name = 'links'")
        assert row is not None, "it was written a moment ago"
    return bytes(row["value"])
