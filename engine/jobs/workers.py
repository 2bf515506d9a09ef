"""The threads that carry jobs out, one job at a time each.

Invariant: whatever an experiment raises ends its job and never its worker.
"""

from __future__ import annotations

import gc
import logging
import threading
from functools import partial
from typing import Protocol

from engine.core.errors import Cancelled
from engine.core.request import Progress
from engine.jobs.failures import explain
from engine.jobs.progress import Status
from engine.jobs.records import Record
from engine.jobs.runner import Runner

log = logging.getLogger(__name__)


class Line(Protocol):
    """What workers know of the jobs: the next one, how one goes on, and that it ended."""

    def take(self) -> Record | None:
        """Wait for the next job, which counts as running from now on; None when no more are to be carried out."""

    def report(self, record: Record, progress: Progress | None) -> None:
        """A running job's progress, if there is some. Raises Cancelled when the job must stop."""

    def end(self, record: Record, status: Status, error: str | None = None) -> None:
        """A job ended so; nothing where it had ended before."""


class Workers:
    """One thread for each device in use."""

    def __init__(self, line: Line, runner: Runner, count: int) -> None:
        self._line, self._runner = line, runner
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def join(self, timeout: float) -> None:
        """Wait until each thread has ended, which takes as long as the step that it computes."""
        for thread in self._threads:
            thread.join(min(timeout, 3.0))
            if thread.is_alive():
                log.warning("Waiting for the current step to finish.")
                thread.join(timeout)

    def _work(self) -> None:
        while (record := self._line.take()) is not None:
            try:
                self._carry_out(record)
            except BaseException:  # nothing an experiment does may end the worker
                log.exception("The worker had to give up on %s", record.job.id)
            finally:
                self._line.end(record, "failed", "This job failed unexpectedly. Start it again.")
            record = None
            gc.collect()

    def _carry_out(self, record: Record) -> None:
        try:
            self._runner.fetch(record.job.request, partial(self._line.report, record))
        except Cancelled:
            self._line.end(record, "cancelled")
        except BaseException as problem:
            self._line.end(record, "failed", explain(problem, record.job.request))
        else:
            self._line.end(record, "done")
