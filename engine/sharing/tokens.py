"""Tokens with which a person's scripts speak for them: shown once, kept as a digest, with an end and a role.

Invariants: a token never may more than its person may at that moment; what is stored lets nobody make one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass, replace

from engine.core.config import settings
from engine.core.errors import BadRequest, Forbidden
from engine.people import audit, identity
from engine.people.person import ROLES, Person, Role
from engine.people.roles import role_of
from engine.sharing import names
from engine.sharing.database import database

MOST_TOKENS = 20
LONGEST_LABEL = 80
DAY = 86400.0
USED_AGAIN_SECONDS = 60.0
_TOKEN = re.compile(r"vit_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
REFUSED = "This token is not valid here: it is mistyped, at its end, or was taken back. Make a new one on the page “API tokens”."


@dataclass(frozen=True)
class Token:
    """What is known of a token, without the token. Times are seconds since 1970."""

    id: str
    person: str
    label: str
    role: Role
    created: float
    ends: float
    used: float | None


def make(person: Person, label: str, days: int, role: Role) -> str:
    """A new token, as the text that is shown this once. Raises BadRequest for more than the person may."""
    label = " ".join(label.split())[:LONGEST_LABEL]
    longest = settings().sharing.token_days
    if not label:
        raise BadRequest("Say what the token is for, so that you know it again.")
    if not 1 <= days <= longest:
        raise BadRequest(f"A token lasts 1 to {longest} days here.")
    if not person.id or not person.is_at_least(role):
        raise BadRequest(f"You are a {person.role}, so your token cannot be a {role}'s.")
    id, secret, now = secrets.token_hex(6), secrets.token_urlsafe(32), time.time()
    names.remember(person)
    with database().change() as link:
        link.execute("DELETE FROM tokens WHERE person = ? AND ends < ?", (person.id, now - 30 * DAY))
        if link.execute("SELECT COUNT(*) FROM tokens WHERE person = ?", (person.id,)).fetchone()[0] >= MOST_TOKENS:
            raise BadRequest(f"You have {MOST_TOKENS} tokens, which is the most. Take one back first.")
        row = (id, _digest(secret), person.id, label, role, now, now + days * DAY)
        link.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", row)
    audit.note(person, "token", "made", key=id, may=role, days=days)
    return f"vit_{id}_{secret}"


def mine(person: Person) -> list[Token]:
    """A person's tokens, the newest first."""
    rows = database().read("SELECT * FROM tokens WHERE person = ? ORDER BY created DESC", person.id)
    return [Token(**{name: row[name] for name in Token.__dataclass_fields__}) for row in rows]


def revoke(person: Person, id: str) -> None:
    """Take a token back: from now on it opens nothing."""
    with database().change() as link:
        gone = link.execute("DELETE FROM tokens WHERE id = ? AND person = ?", (id, person.id)).rowcount
    if gone:
        audit.note(person, "token", "revoked", key=id)


def find(text: str) -> Token:
    """The token that this text is. Raises BadRequest, always with the same words, where it is none that holds."""
    match = _TOKEN.fullmatch(text)
    row = database().first("SELECT * FROM tokens WHERE id = ?", match[1]) if match else None
    given = _digest(match[2] if match else "")
    if row is None or not hmac.compare_digest(given, row["digest"]) or row["ends"] < time.time():
        raise BadRequest(REFUSED)
    now = time.time()
    if now - (row["used"] or 0.0) > USED_AGAIN_SECONDS:
        with database().change() as link:
            link.execute("UPDATE tokens SET used = ? WHERE id = ?", (now, row["id"]))
    return Token(**{name: row[name] for name in Token.__dataclass_fields__})


def person_of(token: Token) -> Person:
    """Whom a token speaks for, as the settings and the lists of them say it now: with their role, or the token's where that may
    less. Raises Forbidden where they would not be let in any more."""
    found, chosen = names.last_seen(token.person), settings()
    kind, _, rest = token.person.partition(":")
    if kind == "browser":
        now: Role | None = identity.visitor(chosen, rest).role
    else:
        groups = found.groups | found.granting
        now = role_of(chosen.access, found.address or (rest if kind == "proxy" else ""), groups)
    if now is None or (kind != "browser" and kind != chosen.access.login):
        raise Forbidden("The person of this token is not on the list of this server any more.")
    return replace(found, role=min(now, token.role, key=ROLES.index))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
