"""Taking in what a run has made so far: a pure function of its folder and of the store, to be called as often as one likes.

Invariant: what is taken in was checked, and is what its name says; what only seems damaged, since a network disk shows it late,
is looked at again the next time, and so is what the store could not take.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.core.errors import RefusedFile
from engine.jobs.executors.run_folder import Part, RunFolder, names, read, write_whole
from engine.jobs.executors.wire import checked
from engine.jobs.runner import Runner


@dataclass(frozen=True)
class Collected:
    """What came of a run: how many results were taken in now, how many parts stand how, and why some failed, by key."""

    run: str
    taken: int
    counts: dict[str, int]
    failed: dict[str, str]
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether nothing of it runs or waits any more."""
        return not self.counts.get("queued", 0) + self.counts.get("running", 0)

    def facts(self) -> dict[str, Any]:
        return {
            "run": self.run,
            "taken": self.taken,
            "parts": self.counts,
            "failed": self.failed,
            "refused": self.refused,
            "complete": self.complete,
        }


def collect(run: RunFolder, runner: Runner) -> Collected:
    """Take in every result of a run that was not yet, and say how it stands."""
    taken, refused = 0, {}
    known = set(names(_taken(run, runner)))
    for place, file in run.results():
        if place in known:
            continue
        if _stands_inside(runner, place):
            _note(run, runner, place)
            continue
        try:
            if not take(run, runner, place, file):
                refused[place] = (
                    f"The result {place} could not be stored. Collect the run again once the cache can be written."
                )
                continue
            taken += 1
            known.add(place)
        except RefusedFile as problem:
            refused[place] = str(problem)
    parts = run.parts()
    failed = {key: part.error for key, part in parts.items() if part.status == "failed"}
    counts = Counter(str(part.status) for part in parts.values())
    return Collected(run.path.name, taken, dict(counts), failed, {p: r for p, r in refused.items() if p not in known})


def take(run: RunFolder, runner: Runner, place: str, file: Path) -> bool:
    """Take in one result; whether it is stored, else it is in memory alone. Raises RefusedFile where it is damaged, or is not
    what its name says."""
    data = read(file) or b""
    checked(place, data)
    runner.take_in(place, data)
    if runner.warning(place) is not None:
        return False
    _note(run, runner, place)
    return True


def _stands_inside(runner: Runner, place: str) -> bool:
    """Whether the store has this result already as a piece of a larger one, which came before it."""
    store: Any = runner.store
    whole = store.inside(place)
    return whole != place and store.has(whole)


def _note(run: RunFolder, runner: Runner, place: str) -> None:
    """Mark a result as taken in."""
    folder = _taken(run, runner)
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        write_whole(folder / place, b"")


def _taken(run: RunFolder, runner: Runner) -> Path:
    """The folder of marks of what this store has taken in: what it let go since is not brought back to it."""
    store = str(getattr(runner.store, "folder", ""))
    return run.path / f"taken-{hashlib.blake2b(store.encode(), digest_size=4).hexdigest()}"


def take_part(run: RunFolder, runner: Runner, part: Part) -> bool:
    """Take in the result of a part that is done, where it is here by now. Raises RefusedFile."""
    if part.place in names(_taken(run, runner)) and runner.find(part.key) is not None:
        return True
    for path in reversed(run.tasks()):
        if f"{part.place}.blob" in names(path / "results"):
            take(run, runner, part.place, path / "results" / f"{part.place}.blob")
            return True
    return False


def fail_missing(run: RunFolder, runner: Runner) -> None:
    """Let those parts count as failed that are done and whose result, never taken in, is not whole in the folder."""
    known = set(names(_taken(run, runner)))
    for part in run.parts().values():
        if part.status == "done" and part.place not in known:
            try:
                why = "" if take_part(run, runner, part) else gone(part)
            except RefusedFile as problem:
                why = str(problem)
            if why:
                run.fail(part.job, why, [part.key])


def gone(part: Part) -> str:
    return f"The result {part.place} is not in the folder of the run. Send the part again."


def left(run: RunFolder, keys: Sequence[str] | None = None) -> list[Part]:
    """The parts that failed or got lost (default: all that failed), to be sent again."""
    wanted = None if keys is None else set(keys)
    return [
        part
        for key, part in run.parts().items()
        if (part.status == "failed" if wanted is None else key in wanted and part.status != "done")
    ]
