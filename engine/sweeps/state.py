"""A sweep on disk: what was asked for, what each who asked for it wants now, who works on it, how far it was, and what failed.

One folder a sweep, `sweeps/<id>` in the cache folder, with a file for each who writes: whoever began it (`request.json`), each
person who wants it, stops it or goes on with it (`wanted-<digest>.json`), and the process that works on it (`progress.json`).
What is finished is known from the result store alone. Invariants: a file is there whole or as it was before; a damaged one counts
as missing; a sweep goes on as long as one of those who asked for it has not stopped it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from engine import COMMAND
from engine.core import config
from engine.core.errors import BadRequest, Forbidden, Unavailable, VitrineError
from engine.core.paths import brief, whole
from engine.core.request import build
from engine.people import audit
from engine.people.person import Person
from engine.sweeps.request import SweepRequest

Wanted = Literal["on", "paused", "cancelled"]
WANTED: tuple[Wanted, ...] = get_args(Wanted)
"""From the strongest: what one wants stopped goes on while another wants it on."""
_ID = re.compile(r"[0-9a-f]{8}")
_REQUEST, _PROGRESS = "request.json", "progress.json"
_WANTED = "wanted.json"
"""What the only owner wanted, in the folder of a sweep that was begun when there could be one alone."""


@dataclass(frozen=True)
class Progress:
    """What the process that works on a sweep wrote last. `process` is its mark (`cache.process`), `failed` the sentences for the
    parts that failed, by their keys; `seconds` what this run took so far, for `made` pictures (or layers); `there` how many
    parts were there when it began; `first` is the address of its first units."""

    process: str = ""
    at: float = 0.0
    done: int = 0
    parts: int = 0
    pictures: int = 0
    made: int = 0
    there: int = 0
    seconds: float = 0.0
    message: str = ""
    first: str = ""
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def left_over(self) -> int:
        """How many parts are neither there nor failed; more than none before it was planned."""
        return self.parts - self.done - len(self.failed) if self.parts else 1

    @property
    def left(self) -> float | None:
        """Seconds until all is done, at the pace of this run; None before anything was made, and when all is."""
        rest = self.left_over
        made = self.done - self.there
        return self.seconds / made * rest if made > 0 and rest > 0 else None


@dataclass(frozen=True)
class Sweep:
    """A sweep that was begun. `wishes`: what each of its owners wants of it, by their ids."""

    id: str
    request: SweepRequest
    wishes: Mapping[str, Wanted]
    begun: float
    progress: Progress

    @property
    def wanted(self) -> Wanted:
        """Whether it is to go on: it is while anybody wants it."""
        return min(self.wishes.values(), key=WANTED.index)

    def wanted_by(self, person: Person) -> Wanted:
        """What this person wants of it; of one that is not theirs, what all do."""
        return self.wishes.get(person.id, self.wanted)

    @property
    def worked_on(self) -> bool:
        """Whether a living process works on it."""
        mark = config.store().mark
        process = self.progress.process
        return bool(process) and (process == mark.id or not mark.is_dead(process))

    @property
    def complete(self) -> bool:
        """Whether all of its parts were there when it was last looked at."""
        return 0 < self.progress.parts == self.progress.done

    @property
    def status(self) -> str:
        """How it stands, in a word."""
        if self.complete:
            return "done"
        if self.wanted != "on":
            return self.wanted
        if self.progress.left_over == 0:
            return "failed"  # all else of it is there
        return "running" if self.worked_on else "interrupted"


def folder() -> Path:
    """Where sweeps stand."""
    return config.settings().cache_folder / "sweeps"


def begin(request: SweepRequest, owner: str) -> Sweep:
    """Write down a sweep, or go on with the one of the same request, which this owner wants too from now on. Raises Unavailable
    where that cannot be written."""
    place = folder() / request.id
    with contextlib.suppress(OSError):  # writing says so
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (place / _REQUEST).exists():
        facts = {"request": json.loads(request.canonical()), "owner": owner, "begun": time.time()}
        _write(place / _REQUEST, facts)
    want(request.id, "on", owner)
    return find(request.id)


def want(id: str, wanted: Wanted, owner: str | None = None) -> None:
    """Say whether a sweep is to go on for an owner, a new one too, or for all of them; whoever works on it looks from time to
    time."""
    place = folder() / _checked(id)
    wishes = find(id).wishes
    changed = dict.fromkeys(wishes if owner is None else [owner], wanted)
    # Where there are no files of owners yet, the one of before gets its own with the first that is written.
    for name, wish in {**({} if _files(place) else wishes), **changed}.items():
        _write(_file(place, name), {"owner": name, "wanted": wish})


def may_stop(sweep: Sweep, person: Person) -> bool:
    """Whether a person may stop a sweep, and go on with it: those who asked for it, and operators."""
    return person.id in sweep.wishes or person.is_at_least("operator")


def check_may_stop(sweep: Sweep, person: Person) -> None:
    """Raises Forbidden where that is not so."""
    if not may_stop(sweep, person):
        raise Forbidden("This sweep is another person's. Ask them, or an operator.")


def stop(sweep: Sweep, person: Person, wanted: Wanted) -> None:
    """Pause or cancel a sweep in a person's name: it goes on for others who want it, unless an operator stops it for all. Raises
    Forbidden where that is not theirs to do."""
    check_may_stop(sweep, person)
    want(sweep.id, wanted, None if person.is_at_least("operator") else person.id)
    audit.note(person, "sweep", wanted, key=sweep.id)


def go_on(sweep: Sweep, person: Person) -> None:
    """Want a sweep to go on in a person's name; an operator goes on with another's for those who asked for it. Raises Forbidden
    where that is not theirs to do."""
    check_may_stop(sweep, person)
    want(sweep.id, "on", person.id if person.id in sweep.wishes else None)


def note(id: str, progress: Progress) -> None:
    """Write down how far a sweep is. Where that cannot be written, it goes on all the same."""
    with contextlib.suppress(Unavailable):
        _write(folder() / _checked(id) / _PROGRESS, asdict(replace(progress, at=time.time())))


def find(id: str) -> Sweep:
    """The sweep of this id. Raises BadRequest where there is none."""
    place = folder() / _checked(id)
    facts = _read(place / _REQUEST)
    try:
        fields = {name: value for name, value in facts["request"].items() if name not in ("experiment", "version")}
        request, owner, begun = build(SweepRequest, **fields), str(facts["owner"]), float(facts["begun"])
    except (KeyError, TypeError, ValueError, AttributeError, VitrineError):
        raise BadRequest(f"There is no sweep “{brief(id)}”. `{COMMAND} sweep --list` lists them.") from None
    return Sweep(id, request, _wishes(place, owner), begun, _progress(place))


def listed() -> list[Sweep]:
    """All sweeps, the latest first."""
    found = []
    with contextlib.suppress(OSError):
        for place in folder().iterdir():
            with contextlib.suppress(VitrineError):
                found.append(find(place.name))
    return sorted(found, key=lambda sweep: -sweep.begun)


def of(person: Person) -> list[Sweep]:
    """The sweeps that a person asked for, the latest first."""
    return [sweep for sweep in listed() if person.id in sweep.wishes]


def forget(sweep: Sweep, person: Person) -> None:
    """Remove what is written of a sweep, for a person; while others want it, only that this person does. Its results stay. Raises
    Forbidden where that is not theirs to do."""
    check_may_stop(sweep, person)
    place = folder() / _checked(sweep.id)
    if {person.id} < {*sweep.wishes}:
        _file(place, person.id).unlink(missing_ok=True)
        if (facts := _read(place / _REQUEST)).get("owner") == person.id:
            _write(place / _REQUEST, facts | {"owner": min({*sweep.wishes} - {person.id})})
    else:
        shutil.rmtree(place, ignore_errors=True)
    audit.note(person, "sweep", "forgotten", key=sweep.id)


def _checked(id: str) -> str:
    """The id, which is part of a path. Raises BadRequest for anything else."""
    if not _ID.fullmatch(id):
        raise BadRequest(f"“{brief(id)}” is not the id of a sweep. `{COMMAND} sweep --list` lists them.")
    return id


def _files(place: Path) -> list[Path]:
    return sorted(place.glob("wanted-*.json"))


def _file(place: Path, owner: str) -> Path:
    """Where it stands what an owner wants: their id may be any text."""
    return place / f"wanted-{hashlib.blake2b(owner.encode(), digest_size=8).hexdigest()}.json"


def _wishes(place: Path, first: str) -> dict[str, Wanted]:
    """What each owner wants. Of a sweep without files of owners that is whoever began it."""
    said = {str(facts["owner"]): _wish(facts) for facts in map(_read, _files(place)) if "owner" in facts}
    return said or {first: _wish(_read(place / _WANTED))}


def _wish(facts: Mapping[str, Any]) -> Wanted:
    return next((each for each in WANTED if each == facts.get("wanted")), "on")


def _progress(place: Path) -> Progress:
    try:
        return Progress(**_read(place / _PROGRESS))
    except TypeError:
        return Progress()


def _read(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _write(path: Path, facts: dict[str, Any]) -> None:
    try:
        with whole(path) as partial:
            partial.write_text(json.dumps(facts), encoding="utf-8")
    except OSError as error:
        raise Unavailable(f"The sweep cannot be written down in {path.parent}: {error.strerror or error}.") from error
