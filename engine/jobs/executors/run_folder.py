"""A run on a cluster as a folder on the disk that its nodes share: what was asked, how each part stands, and what came out.

    run.json                      when it was made, and by which kind of cluster
    tasks/0000/parts.json         the requests that one job carries out, one after the other, as text
    tasks/0000/job                the scheduler's number of that job
    tasks/0000/began/KEY          one line for each time that a part was begun: where, by which process
    tasks/0000/now/KEY            its last report
    tasks/0000/results/PLACE.blob what it made, also along the way
    tasks/0000/ended/KEY.json     how it ended
    shared/PLACE.blob             results that several parts build on
    leases/PLACE                  who computes what now
    taken-.../PLACE               what a store has taken in
    cancelled/KEY                 parts that are not wanted any more

Invariants: a file appears whole or not at all; no database is shared between machines; how a run stands follows from its folder
alone, so that whoever looks needs no memory and any other process can go on where one died.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.core.errors import BadRequest
from engine.jobs.executors.wire import Task
from engine.jobs.progress import Status

PLACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True)
class Part:
    """How one request of a run stands. `job`: the name of the last task that has it; `tried`: how many tasks have begun it, or
    nothing at all; `begun`: how often it was begun, also by one task that was stopped and went on; `where`: by whom last;
    `place`: where its result belongs, once it is done; `kind`: as what it ended (see `engine.jobs.executors.worker`)."""

    task: Task
    job: str
    status: Status = "queued"
    tried: int = 0
    begun: int = 0
    where: str = ""
    place: str = ""
    error: str = ""
    kind: str = ""

    @property
    def key(self) -> str:
        return self.task.key

    @property
    def ended(self) -> bool:
        return self.status in ("done", "failed", "cancelled")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all, also to who looks from another machine. Raises OSError."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def read(path: Path) -> bytes | None:
    """A file's bytes, None where there is none (yet)."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def names(folder: Path) -> list[str]:
    """What is in a folder. To list it makes a network file system look again, which opening a file does not."""
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError:
        return []


class RunFolder:
    """One run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, parent: Path, cluster: str) -> RunFolder:
        """A new run. Raises OSError where the folder cannot be written."""
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = parent / name
        for folder in (path, path / "tasks", path / "shared", path / "cancelled", path / "leases"):
            folder.mkdir(mode=0o700)
        write_whole(path / "run.json", json.dumps({"made": time.time(), "cluster": cluster}).encode())
        return cls(path)

    @classmethod
    def all_in(cls, parent: Path) -> list[RunFolder]:
        """Every run in a folder, oldest first."""
        return [cls(parent / name) for name in names(parent) if (parent / name / "run.json").is_file()]

    @classmethod
    def named(cls, parent: Path, name: str) -> RunFolder:
        """The run of this name. Raises BadRequest where there is none."""
        found = [run for run in cls.all_in(parent) if run.path.name == name]
        if not found:
            known = ", ".join(run.path.name for run in cls.all_in(parent)) or "none"
            raise BadRequest(f"There is no run of that name in {parent}. There is: {known}.")
        return found[0]

    @property
    def cluster(self) -> str:
        """What kind of cluster it was made for, as submitit names it."""
        try:
            return str(json.loads(read(self.path / "run.json") or b"{}").get("cluster", ""))
        except (ValueError, AttributeError):
            return ""

    def remove(self) -> None:
        """Take it off the disk: nothing of it was sent."""
        shutil.rmtree(self.path, ignore_errors=True)

    # Asking

    def add_task(self, parts: Sequence[Task]) -> str:
        """A further job with these requests; its name."""
        number = len(names(self.path / "tasks"))
        path = self.path / "tasks" / f"{number:04d}"
        for folder in (path, *(path / name for name in ("began", "now", "results", "ended"))):
            folder.mkdir(mode=0o700)
        write_whole(path / "parts.json", json.dumps([task.as_text() for task in parts]).encode())
        return path.name

    def note_job(self, task: str, job: str) -> None:
        """The scheduler's number of a task's job."""
        write_whole(self.path / "tasks" / task / "job", job.encode())

    def fail(self, task: str, why: str, keys: Sequence[str] | None = None) -> None:
        """These parts of a task (default: all) count as failed: the cluster did not take it, or what it made is gone."""
        path = self.path / "tasks" / task
        for key in [part.key for part in self.parts_of(path)] if keys is None else keys:
            write_whole(path / "ended" / f"{key}.json", json.dumps({"status": "failed", "error": why}).encode())

    def cancel(self, keys: Sequence[str]) -> None:
        """These parts are not wanted any more."""
        for key in keys:
            write_whole(self.path / "cancelled" / key, b"")

    def is_cancelled(self, key: str) -> bool:
        return key in names(self.path / "cancelled")

    # Looking

    def tasks(self) -> list[Path]:
        """The folders of its jobs, in order."""
        return [self.path / "tasks" / name for name in names(self.path / "tasks")]

    def parts_of(self, task: Path) -> list[Task]:
        """The requests of a job. One that cannot be read is left out: it was never sent so."""
        with contextlib.suppress(ValueError, TypeError, BadRequest):
            return [Task.from_text(text) for text in json.loads(read(task / "parts.json") or b"[]")]
        return []

    def age(self, task: str) -> float:
        """Seconds since a task was added, by this machine's clock."""
        try:
            return time.time() - (self.path / "tasks" / task / "parts.json").stat().st_mtime
        except OSError:
            return 0.0

    def job_of(self, task: str) -> str:
        return (read(self.path / "tasks" / task / "job") or b"").decode()

    def parts(self) -> dict[str, Part]:
        """How each request stands, by key: of one that was sent again, what its last job says, unless one has done it."""
        found: dict[str, Part] = {}
        cancelled = set(names(self.path / "cancelled"))
        for path in self.tasks():
            ended, began = set(names(path / "ended")), set(names(path / "began"))
            for task in self.parts_of(path):
                before = found.get(task.key)
                if before is not None and before.status == "done":
                    continue
                found[task.key] = self._part(path, task, f"{task.key}.json" in ended, began, before)
        return {
            key: part
            if part.ended or key not in cancelled or part.status == "running"
            else replace(part, status="cancelled")
            for key, part in found.items()
        }

    def _part(self, path: Path, task: Task, ended: bool, began: set[str], before: Part | None) -> Part:
        lines = (read(path / "began" / task.key) or b"").decode().splitlines() if task.key in began else []
        tried, begun = (before.tried, before.begun) if before else (0, 0)
        tried += bool(lines) or not began  # one that was lost at another part says nothing of this one
        status: Status = "running" if lines else "queued"
        where = lines[-1] if lines else ""
        part = Part(task, path.name, status, tried, begun + len(lines), where)
        if ended and (facts := _facts(read(path / "ended" / f"{task.key}.json"))):
            kind = str(facts.get("status"))
            status = "done" if kind == "done" else "cancelled" if kind == "cancelled" else "failed"
            place, error = str(facts.get("place", "")), str(facts.get("error") or "")
            return replace(part, status=status, place=place, error=error, kind=kind)
        return part

    def news(self, part: Part) -> tuple[float, bytes] | None:
        """When a part reported last (by the disk's clock), and what."""
        path = self.path / "tasks" / part.job / "now" / part.key
        try:
            return path.stat().st_mtime, path.read_bytes()
        except OSError:
            return None

    def result(self, part: Part, place: str) -> bytes | None:
        """The bytes of a result that a part's job made."""
        return read(self.path / "tasks" / part.job / "results" / f"{place}.blob") if PLACE.fullmatch(place) else None

    def results(self) -> Iterator[tuple[str, Path]]:
        """Every result that any job made: its place, and its file."""
        for folder in (*(path / "results" for path in self.tasks()), self.path / "shared"):
            for name in names(folder):
                if name.endswith(".blob") and PLACE.fullmatch(place := name.removesuffix(".blob")):
                    yield place, folder / name


def _facts(data: bytes | None) -> Mapping[str, Any]:
    try:
        facts = json.loads(data or b"{}")
        return facts if isinstance(facts, dict) else {}
    except ValueError:
        return {}
