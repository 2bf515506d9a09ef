"""The history of what was made: a line for each result that somebody asked for, found again by model, layer, kind and person.

It is a table of its own, written when a job ends, so that nothing has to look through the store. What the store got another
way (a command line, a notebook, an import) is of nobody until somebody asks for it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from engine.people.person import Person
from engine.sharing import names
from engine.sharing.database import database

Whose = Literal["mine", "group", "all"]
WHOSE: tuple[Whose, ...] = get_args(Whose)
MOST_WORDS = 8
PAGE = 24
_PICTURES_OF_NOBODY = "DELETE FROM thumbnails WHERE key NOT IN (SELECT key FROM history)"


@dataclass(frozen=True)
class Line:
    """One result (or failure) of one person. Times are seconds since 1970; `request` is its canonical JSON, `picture` a small
    WebP; `person` is empty where it is not known."""

    person: str
    key: str
    experiment: str
    model: str
    site: str
    title: str
    text: str
    request: str
    status: str
    ended: float
    started: float | None = None
    error: str = ""
    device: str = ""
    computed_in: str = ""
    vitrine: str = ""
    picture: bytes | None = None
    seen: bool = True

    @property
    def seconds(self) -> float | None:
        """How long it took; None where it was found, or where that is not known."""
        return None if self.started is None else max(self.ended - self.started, 0.0)


@dataclass(frozen=True)
class Wanted:
    """What to look for: words in any order, an experiment, a model; and whose."""

    words: str = ""
    experiment: str = ""
    model: str = ""
    whose: Whose = "mine"


@dataclass(frozen=True)
class Found:
    """A page of lines, newest first, and how many there are in all."""

    lines: list[Line] = field(default_factory=list)
    count: int = 0


def write(lines: Sequence[Line]) -> None:
    """Add lines; a person's earlier line of the same result makes room for the new one, and keeps what is not known anew: also
    how long it took, so that its start moves along with its end."""
    columns = [name for name in Line.__dataclass_fields__ if name != "picture"]
    kept = {name: f"COALESCE(NULLIF(excluded.{name}, ''), {name})" for name in ("device", "computed_in", "vitrine")}
    kept["started"] = "COALESCE(excluded.started, excluded.ended - (ended - started))"
    sets = ", ".join(f"{name} = {kept.get(name, f'excluded.{name}')}" for name in columns)
    query = (
        f"INSERT INTO history ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
        f"ON CONFLICT (person, key) DO UPDATE SET {sets}"
    )
    with database().change() as link:
        link.executemany(query, [[getattr(line, name) for name in columns] for line in lines])
        pictures = [(line.key, line.picture) for line in lines if line.picture]
        link.executemany("INSERT OR REPLACE INTO thumbnails VALUES (?, ?)", pictures)


def search(wanted: Wanted, person: Person, start: int = 0, most: int = PAGE) -> Found:
    """What this person may see of what is wanted, from the `start`-th line on."""
    where, values = _where(wanted, person)
    count = database().read(f"SELECT COUNT(*) FROM history WHERE {where}", *values)[0][0]
    page = f"SELECT * FROM history WHERE {where} ORDER BY ended DESC, key LIMIT ? OFFSET ?"
    query = f"SELECT page.*, picture FROM ({page}) AS page LEFT JOIN thumbnails USING (key) ORDER BY ended DESC, key"
    rows = database().read(query, *values, most, start)
    return Found([line_of(row) for row in rows], count)


def choices(column: Literal["experiment", "model"], whose: Whose, person: Person) -> list[str]:
    """What a person can choose from: the experiments or models of the lines that they may see."""
    where, values = _where(Wanted(whose=whose), person)
    rows = database().read(
        f"SELECT DISTINCT {column} FROM history WHERE {where} AND {column} <> '' ORDER BY 1", *values
    )
    return [row[0] for row in rows]


def of_result(key: str) -> Line | None:
    """Who made a result, when and with what: the line of the person who was there first."""
    query = (
        "SELECT * FROM history WHERE key = ? AND status = 'done' ORDER BY started IS NULL, person = '', ended LIMIT 1"
    )
    row = database().first(query, key)
    return None if row is None else line_of(row)


def failure(key: str, person: Person) -> Line | None:
    """How a request ended that failed, as far as this person may see it: theirs, before others'."""
    widest = next(whose for whose in reversed(WHOSE) if may_see(whose, person))
    where, values = _where(Wanted(whose=widest), person)
    query = f"SELECT * FROM history WHERE key = ? AND status = 'failed' AND {where} ORDER BY person <> ?, ended DESC LIMIT 1"
    row = database().first(query, key, *values, person.id)
    return None if row is None else line_of(row)


def forget(person: Person, key: str | None = None) -> None:
    """Delete a line of a person's history, or (without a key) all of it, with the pictures that no line is left of. Results stay
    in the store."""
    with database().change() as link:
        if key is None:
            link.execute("DELETE FROM history WHERE person = ?", (person.id,))
        else:
            link.execute("DELETE FROM history WHERE person = ? AND key = ?", (person.id, key))
        link.execute(_PICTURES_OF_NOBODY)


def forget_made_of(reference: str) -> None:
    """Delete everybody's lines of requests in which this stands: an upload that is gone."""
    with database().change() as link:
        link.execute("DELETE FROM history WHERE instr(request, ?)", (reference,))
        link.execute(_PICTURES_OF_NOBODY)


def forget_old(days: float) -> None:
    """Delete what is older than so many days."""
    with database().change() as link:
        link.execute("DELETE FROM history WHERE ended < ?", (time.time() - days * 86400.0,))
        link.execute(_PICTURES_OF_NOBODY)


def known(keys: Sequence[str]) -> set[str]:
    """Those of these keys of which somebody's history has a line."""
    marks = ", ".join("?" * len(keys))
    return {row[0] for row in database().read(f"SELECT DISTINCT key FROM history WHERE key IN ({marks})", *keys)}


def may_see(whose: Whose, person: Person) -> bool:
    """Whether a person may look at so much: a group's where they are of one, everybody's where they run the server."""
    if whose == "group":
        return bool(person.groups)
    return whose == "mine" or person.is_at_least("operator")


def _where(wanted: Wanted, person: Person) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    if wanted.whose == "mine" or not may_see(wanted.whose, person):
        parts, values = ["person = ?"], [person.id]
    elif wanted.whose == "group":
        members = [*{person.id, *names.members_of(person.groups)}]
        parts, values = [f"person IN ({', '.join('?' * len(members))})"], [*members]
    else:
        parts = ["1"]
    for column in ("experiment", "model"):
        if value := getattr(wanted, column):
            parts.append(f"{column} = ?")
            values.append(value)
    for word in wanted.words.lower().split()[:MOST_WORDS]:
        like = f"%{word.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        parts.append("(text LIKE ? ESCAPE '!' OR person IN (SELECT id FROM people WHERE name LIKE ? ESCAPE '!'))")
        values += [like, like]
    return " AND ".join(parts), values


def line_of(row: sqlite3.Row) -> Line:
    """A row of the table as a line. Once, what was found was written down as computed by the server that was asked, by the
    version that it had: that is left out."""
    facts: dict[str, Any] = {**dict(row), "seen": bool(row["seen"])}
    if row["started"] is None and row["vitrine"]:
        facts |= {"device": "", "vitrine": ""}
    return Line(**facts)
