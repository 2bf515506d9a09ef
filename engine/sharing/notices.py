"""Telling a person that a job which they left is done: on the next page that they open, and where the operator wants it by
webhook or e-mail.

A line of the history is unseen until its person looks at the result, or at the notice.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from engine.core.config import settings
from engine.people.person import Person
from engine.sharing import names
from engine.sharing.database import database
from engine.sharing.history import Line, line_of

SHOWN = 5
NEWS_SECONDS = 7 * 86400.0
"""How long something is news."""
BY_MAIL = "mail"
"""The preference that says that a person wants word at their address."""


def unseen(person: Person) -> list[Line]:
    """What has ended for this person, who has not looked at it yet; the newest first."""
    query = "SELECT * FROM history WHERE person = ? AND seen = 0 AND ended > ? ORDER BY ended DESC LIMIT 50"
    return [line_of(row) for row in database().read(query, person.id, time.time() - NEWS_SECONDS)]


def see(person: Person, keys: Collection[str] | None = None) -> None:
    """This person looked at these results, or (without keys) at the notice of them all."""
    with database().change() as link:
        if keys is None:
            link.execute("UPDATE history SET seen = 1 WHERE person = ? AND seen = 0", (person.id,))
        else:
            link.executemany(
                "UPDATE history SET seen = 1 WHERE person = ? AND key = ? AND seen = 0",
                [(person.id, key) for key in keys],
            )


def tell(lines: Sequence[Line]) -> None:
    """Jobs ended: send word of those that took long, as far as the operator has set that up. Does not wait."""
    chosen = settings().sharing
    long = [line for line in lines if (line.seconds or 0.0) >= chosen.notify_after_seconds and not line.seen]
    if not long:
        return
    from engine.sharing import sending

    for line in long:
        if chosen.webhook:
            sending.by_webhook(line)
        if chosen.mail_server and chosen.mail_from and (to := _address(line.person)):
            sending.by_mail(line, to)


def _address(id: str) -> str:
    """Where a person wants word: their own address, as whoever signs them in says it."""
    return names.last_seen(id).address if names.preference(Person(id), BY_MAIL) else ""
