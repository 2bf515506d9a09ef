"""A sweep on disk: what was asked for, whether it is to go on, who works on it, how far it was, and what failed.

One folder a sweep, `sweeps/<id>` in the cache folder, with a file for each who writes: whoever began it (`request.json`), whoever
stops or goes on with it (`wanted.json`), and the process that works on it (`progress.json`). What is finished is known from the
result store alone. Invariant: a file is there whole or as it was before; a damaged one counts as missing.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from engine import COMMAND
from engine.core import config
from engine.core.errors import BadRequest, Forbidden, Unavailable, VitrineError
from engine.core.paths import brief, whole
from engine.core.request import build
from engine.people.person import Person
from engine.sweeps.request import SweepRequest

Wanted = Literal["on", "paused", "cancelled"]
WANTED: tuple[Wanted, ...] = get_args(Wanted)
_ID = re.compile(r"[0-9a-f]{8}")
_REQUEST, _WANTED, _PROGRESS = "request.json", "wanted.json", "progress.json"


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
    def left(self) -> float | None:
        """Seconds until all is done, at the pace of this run; None before anything was made, and when all is."""
        rest = self.parts - self.done - len(self.failed)
        made = self.done - self.there
        return self.seconds / made * rest if made > 0 and rest > 0 else None


@dataclass(frozen=True)
class Sweep:
    """A sweep that was begun."""

    id: str
    request: SweepRequest
    owner: str
    begun: float
    wanted: Wanted
    progress: Progress

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
        return "running" if self.worked_on else "interrupted"


def folder() -> Path:
    """Where sweeps stand."""
    return config.settings().cache_folder / "sweeps"


def begin(request: SweepRequest, owner: str) -> Sweep:
    """Write down a sweep, or go on with the one of the same request. Raises Unavailable where that cannot be written."""
    place = folder() / request.id
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (place / _REQUEST).exists():
            facts = {"request": json.loads(request.canonical()), "owner": owner, "begun": time.time()}
            _write(place / _REQUEST, facts)
        want(request.id, "on")
    except OSError as error:
        raise Unavailable(f"The sweep cannot be written down in {place}: {error.strerror or error}.") from error
    return find(request.id)


def want(id: str, wanted: Wanted) -> None:
    """Say whether a sweep is to go on; whoever works on it looks from time to time."""
    _write(folder() / _checked(id) / _WANTED, {"wanted": wanted})


def may_stop(sweep: Sweep, person: Person) -> bool:
    """Whether a person may stop a sweep, and go on with it: whoever began it, and operators."""
    return person.id == sweep.owner or person.is_at_least("operator")


def check_may_stop(sweep: Sweep, person: Person) -> None:
    """Raises Forbidden where that is not so."""
    if not may_stop(sweep, person):
        raise Forbidden("This sweep is another person's. Ask them, or an operator.")


def stop(sweep: Sweep, person: Person, wanted: Wanted) -> None:
    """Pause or cancel a sweep in a person's name. Raises Forbidden where that is not theirs to do."""
    check_may_stop(sweep, person)
    want(sweep.id, wanted)


def note(id: str, progress: Progress) -> None:
    """Write down how far a sweep is. Where that cannot be written, it goes on all the same."""
    with contextlib.suppress(OSError):
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
    said = _read(place / _WANTED).get("wanted")
    wanted: Wanted = next((each for each in WANTED if each == said), "on")
    return Sweep(id, request, owner, begun, wanted, _progress(place))


def listed() -> list[Sweep]:
    """All sweeps, the latest first."""
    found = []
    with contextlib.suppress(OSError):
        for place in folder().iterdir():
            with contextlib.suppress(VitrineError):
                found.append(find(place.name))
    return sorted(found, key=lambda sweep: -sweep.begun)


def forget(sweep: Sweep, person: Person) -> None:
    """Remove what is written of a sweep, for a person. Its results stay. Raises Forbidden where that is not theirs to do."""
    check_may_stop(sweep, person)
    shutil.rmtree(folder() / _checked(sweep.id), ignore_errors=True)


def _checked(id: str) -> str:
    """The id, which is part of a path. Raises BadRequest for anything else."""
    if not _ID.fullmatch(id):
        raise BadRequest(f"“{brief(id)}” is not the id of a sweep. `{COMMAND} sweep --list` lists them.")
    return id


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
    with whole(path) as partial:
        partial.write_text(json.dumps(facts), encoding="utf-8")
