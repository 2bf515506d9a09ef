"""The threads that carry jobs out, one job at a time each.

Invariants: whatever an experiment raises ends its job and never its worker; while a short job runs, the long one at whose report
it is carried out stands still, so that no two share a model or a device. It has a thread of its own all the same: what a
thread keeps (gradients on or off, precision, hooks, what was opened for a request) is then its own, as if it ran alone.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from engine.core import turns
from engine.core.errors import Cancelled, OutOfTime, PutBack
from engine.core.request import Progress, Request
from engine.jobs import courtesy
from engine.jobs.failures import explain
from engine.jobs.lanes import YIELDS_TO
from engine.jobs.progress import Status
from engine.jobs.records import Record
from engine.jobs.runner import Runner

log = logging.getLogger(__name__)

COLLECT_SECONDS = 30.0
"""Python looks through all that it holds no more often than this: that takes a tenth of a second, in which nobody is answered."""


class ShuttingDown(Cancelled):
    """The job is stopped by nobody but the end of this process."""


class Line(Protocol):
    """What workers know of the jobs: the next one, how one goes on, and that it ended."""

    def take(self) -> Record | None:
        """Wait for the next job, which counts as running from now on; None when no more are to be carried out."""

    def take_short(self) -> Record | None:
        """A short job, which counts as running from now on; None where none waits."""

    def report(self, record: Record, progress: Progress | None, waits: bool = False, long: bool = False) -> None:
        """A running job's progress, if there is some; `waits`: nobody works at it now, so that this time does not count;
        `long`: it seemed short, and is not. Raises Cancelled when the job must stop (ShuttingDown where only this process wants
        that), PutBack when it must wait."""

    def begins(self, record: Record, request: Request, waits: bool) -> None:
        """A running job is about to compute a request, its own or one that it builds on, or to wait for it. Raises PutBack
        where that makes it a long one."""

    def put_back(self, record: Record) -> None:
        """A job made room for another; it waits for its turn again."""

    def end(self, record: Record, status: Status, error: str | None = None) -> None:
        """A job ended so; nothing where it had ended before."""


class Carriers(Protocol):
    """Who takes jobs from a line and has them carried out."""

    @property
    def slots(self) -> int:
        """How many jobs are carried out at once."""

    def refuse(self, request: Request) -> None:
        """Raises Unavailable for what nobody here could carry out, before it waits for its turn."""

    def join(self, timeout: float) -> None:
        """Wait until each thread has ended, which takes as long as the step that is computed."""


Hire = Callable[[Line, Runner], Carriers]
"""Whoever gives the carriers of a line's jobs."""


class Workers:
    """One thread for each device in use."""

    def __init__(self, line: Line, runner: Runner, count: int) -> None:
        self._line, self._runner = line, runner
        self._collected = time.monotonic()
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def slots(self) -> int:
        return len(self._threads)

    def refuse(self, request: Request) -> None:
        """Refuses nothing: what is on this machine is here."""

    def join(self, timeout: float) -> None:
        """Wait until each thread has ended, which takes as long as the step that it computes."""
        for thread in self._threads:
            thread.join(min(timeout, 3.0))
            if thread.is_alive():
                log.warning("Waiting for the current step to finish.")
                thread.join(timeout)

    def _work(self) -> None:
        turns.long()
        while (record := self._line.take()) is not None:
            self._one(record)
            failed, record = record.status == "failed", None
            self._collect(failed)

    def _collect(self, failed: bool) -> None:
        """Let go of what jobs left behind in circles: at once after one that failed, whose traceback holds its tensors."""
        if failed or time.monotonic() - self._collected > COLLECT_SECONDS:
            gc.collect()
            self._collected = time.monotonic()

    def _pass(self, record: Record) -> None:
        turns.usual()  # somebody looks at the page
        self._one(record)

    def _one(self, record: Record) -> None:
        begins = partial(self._line.begins, record)
        settle(
            self._line, record, lambda: self._runner.fetch(record.job.request, partial(self._report, record), begins)
        )

    def _report(self, record: Record, progress: Progress | None) -> None:
        """A job's report, and the point at which a long one lets a short one pass, and one that yields a page's run."""
        self._line.report(record, progress)
        if record.lane in YIELDS_TO:
            courtesy.PAGES.wait()
        if record.lane != "short" and (short := self._line.take_short()) is not None:
            passing = threading.Thread(target=self._pass, args=(short,), name="short", daemon=True)
            try:
                passing.start()
            except RuntimeError:  # the system has no thread left
                self._one(short)
            else:
                passing.join()


def settle(line: Line, record: Record, work: Callable[[], object]) -> None:
    """Do a job's work, and tell the line how it ended. Raises nothing, whatever an experiment does."""
    try:
        _settle(line, record, work)
    except BaseException:
        log.exception("The worker had to give up on %s", record.job.id)
        line.end(record, "failed", "This job failed unexpectedly. Start it again.")


def _settle(line: Line, record: Record, work: Callable[[], object]) -> None:
    try:
        work()
    except PutBack:
        line.put_back(record)
    except OutOfTime as over:
        line.end(record, "failed", str(over))
    except Cancelled:
        line.end(record, "cancelled")
    except BaseException as problem:
        line.end(record, "failed", explain(problem, record.job.request))
    else:
        line.end(record, "done")
