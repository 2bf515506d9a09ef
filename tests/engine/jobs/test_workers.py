"""Workers: one job after the other, each ended in its own way, whatever an experiment raises."""

from __future__ import annotations

import logging
import threading
from typing import Any, ClassVar

import pytest

from engine.core.errors import BadRequest, Cancelled, PutBack
from engine.core.request import Progress, Request
from engine.jobs import workers
from engine.jobs.records import Job, Record
from engine.jobs.workers import Workers
from tests.engine.jobs.playing import SECONDS, Play


class Queue:
    """Hands out jobs in order and writes down how they end; as if it were all jobs."""

    def __init__(self, *names: str) -> None:
        self._lock, self._waiting = threading.Lock(), [Record(Job(name, Play(name=name)), {}) for name in names]
        self.seen: list[tuple[str, Any]] = []

    def take(self) -> Record | None:
        with self._lock:
            return self._waiting.pop(0) if self._waiting else None

    def take_short(self) -> None:
        return None

    def report(self, record: Record, progress: Progress | None, waits: bool = False, long: bool = False) -> None:
        if record.job.id == "stopped":
            raise Cancelled("The job was cancelled.")
        self.seen.append((record.job.id, progress and progress.message))

    def begins(self, record: Record, request: Request, waits: bool) -> None:
        if record.job.id == "makes room":
            raise PutBack("Later.")

    def put_back(self, record: Record) -> None:
        self.seen.append((record.job.id, "waits again"))

    def end(self, record: Record, status: Any, error: str | None = None) -> None:
        if not record.ended:
            record.status = status
            self.seen.append((record.job.id, (status, error)))


class Raising:
    """A runner whose requests raise what their names say, after they have told how far they are."""

    ERRORS: ClassVar = {"refused": BadRequest("There is none."), "exit": SystemExit(1)}

    def fetch(self, request: Play, report: Any, begins: Any) -> None:
        begins(request, False)
        report(Progress(1, 2, "half"))
        if request.name in self.ERRORS:
            raise self.ERRORS[request.name]


def test_each_job_ends_in_its_own_way_and_the_next_one_is_taken() -> None:
    line = Queue("good", "stopped", "makes room", "refused", "last")
    Workers(line, Raising(), 1).join(SECONDS)  # type: ignore[arg-type]
    assert line.seen == [
        ("good", "half"),
        ("good", ("done", None)),
        ("stopped", ("cancelled", None)),
        ("makes room", "waits again"),
        ("refused", "half"),
        ("refused", ("failed", "There is none.")),
        ("last", "half"),
        ("last", ("done", None)),
    ]


def test_a_job_whose_error_cannot_even_be_explained_fails_and_the_worker_lives(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def speechless(problem: BaseException, request: Play) -> str:
        raise RuntimeError("no words")

    monkeypatch.setattr("engine.jobs.workers.explain", speechless)
    line = Queue("exit", "last")
    with caplog.at_level(logging.ERROR):
        Workers(line, Raising(), 1).join(SECONDS)  # type: ignore[arg-type]
    assert line.seen[1] == ("exit", ("failed", "This job failed unexpectedly. Start it again."))
    assert line.seen[-1] == ("last", ("done", None)) and "give up on exit" in caplog.text


def test_several_workers_share_the_jobs() -> None:
    names = [f"k{number}" for number in range(20)]
    line = Queue(*names)
    Workers(line, Raising(), 3).join(SECONDS)  # type: ignore[arg-type]
    assert sorted(name for name, told in line.seen if told == ("done", None)) == sorted(names)


def test_short_jobs_do_not_each_have_python_look_through_all_that_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    collected: list[int] = []
    monkeypatch.setattr(workers.gc, "collect", lambda: collected.append(1))
    Workers(Queue("a", "b", "c"), Raising(), 1).join(SECONDS)  # type: ignore[arg-type]
    assert collected == []
    Workers(Queue("a", "refused", "c"), Raising(), 1).join(SECONDS)  # type: ignore[arg-type]
    assert len(collected) == 1, "what a job that failed left behind goes at once"
    collected.clear()
    monkeypatch.setattr(workers, "COLLECT_SECONDS", 0.0)
    Workers(Queue("a", "b", "c"), Raising(), 1).join(SECONDS)  # type: ignore[arg-type]
    assert len(collected) == 3
