"""Jobs: requests waiting for a worker thread, worked on one at a time, watched and cancelled from anywhere.

Invariants: one request (one key) is one job, however many ask; a job is stopped only when nobody is left who wants
it; a result is in the store (or, where that cannot be written, kept in memory) before its job says `done`; whatever
an experiment raises ends its job and never its worker. Nothing here knows a browser: a job outlives its submitter.
"""

from __future__ import annotations

import atexit
import gc
import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cache.store import ResultStore
from engine.core import config
from engine.core.errors import Cancelled, Unavailable
from engine.core.request import Progress, Request, Result
from engine.jobs.failures import explain
from engine.jobs.fair_queue import FairQueue
from engine.jobs.journal import Journal
from engine.jobs.progress import Meter, Snapshot, Status
from engine.jobs.runner import Runner

log = logging.getLogger(__name__)

REMEMBERED_JOBS = 256
GONE = "This job no longer exists. Start it again."
_ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Job:
    """A handle on a job: its id is the request's key."""

    id: str
    request: Request


@dataclass
class _Record:
    """What is known of one job. Changed under the lock of its Jobs only."""

    job: Job
    owners: dict[str, str]  # who wants it, and as part of which of their batches
    status: Status = "queued"
    meter: Meter = field(default_factory=Meter)
    stop: bool = False
    stopping: bool = False  # Cancelled was raised into it: too late for a newcomer to join
    error: str | None = None
    started: float | None = None
    finished: float | None = None


class Jobs:
    """The queue, its workers (one thread for each device in use) and the finished jobs of this process."""

    def __init__(self, store: ResultStore, workers: int = 1, *, jobs_per_owner: int = 4, queue_limit: int = 64) -> None:
        self._jobs_per_owner, self._queue_limit = jobs_per_owner, queue_limit
        self._changed = threading.Condition()
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._queue = FairQueue()
        self._closing = False
        self._runner = Runner(store)
        self._journal = Journal(store.mark)
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    # Asking

    def submit(self, request: Request, owner: str = "local", batch: str | None = None) -> Job:
        """Ask for a result. Done at once when it is stored; joins the job when somebody asked already. Jobs that name
        the same batch of an owner count as one where there are limits.

        Raises VitrineError when the request cannot be keyed (a model or data set is missing), Unavailable when the
        queue, or this owner's share of it, is full.
        """
        job = Job(request.key(), request)
        batch = batch or job.id
        if self._join(job, owner, batch):
            return job
        stored = self._runner.find(job.id) is not None
        with self._changed:
            if self._join(job, owner, batch):
                return job
            if stored:
                self._remember(_Record(job, {owner: batch}, "done", finished=time.time()))
                return job
            self._refuse_when_full(owner, batch)
            self._remember(_Record(job, {owner: batch}))
            self._queue.add(owner, job.id, batch)
            self._journal.begin(job.id, json.loads(request.canonical()))
            self._changed.notify_all()
        return job

    def cancel(self, job: Job | str, owner: str = "local") -> bool:
        """Take back this owner's interest. True when nobody else is interested, so that the job stops."""
        with self._changed:
            record = self._records.get(_id(job))
            if record is None or record.status in _ENDED or owner not in record.owners:
                return False
            del record.owners[owner]
            self._queue.remove(record.job.id, owner)
            if record.owners:
                return False
            record.stop = True
            if record.status == "queued":
                self._queue.remove(record.job.id)
                self._end(record, "cancelled")
            return True

    # Watching

    def job(self, id: str) -> Job | None:
        """The job with this id (the request's key), while it is remembered."""
        with self._changed:
            record = self._records.get(id)
            return record.job if record else None

    def snapshot(self, job: Job | str) -> Snapshot:
        """How a job stands now."""
        with self._changed:
            record = self._records.get(_id(job))
            if record is not None:
                return self._snapshot(record)
        if self._runner.find(_id(job)) is not None:
            return Snapshot("done")
        return Snapshot("cancelled", message=GONE)

    def wait(self, job: Job | str, timeout: float | None = None) -> Snapshot:
        """Wait until a job ends (or `timeout` seconds), and say how it stands then."""

        def ended() -> bool:
            record = self._records.get(_id(job))
            return record is None or record.status in _ENDED

        with self._changed:
            self._changed.wait_for(ended, timeout)
        return self.snapshot(job)

    def active(self) -> list[Job]:
        """The jobs that run or wait, running ones first, then in the order of their turns."""
        with self._changed:
            running = [record.job for record in self._records.values() if record.status == "running"]
            return running + [self._records[key].job for key in self._queue.order()]

    def result(self, key: str) -> Result | None:
        """A finished result, from the store or (when it could not be stored) from memory."""
        return self._runner.find(key)

    def interrupted(self) -> list[dict[str, Any]]:
        """Requests that an earlier process had taken on and did not finish; `parse_request` reads them."""
        return [facts for key, facts in self._journal.interrupted().items() if self._runner.find(key) is None]

    def forget_interrupted(self) -> None:
        """Stop listing what was interrupted."""
        self._journal.forget()

    def close(self, timeout: float = 60.0) -> None:
        """Take no more jobs and stop those that run; what was not finished is listed as interrupted next time.

        Waits for the step that is being computed: Python ends a process whose threads are inside torch by an abort.
        """
        with self._changed:
            self._closing = True
            for key in self._queue.order():
                self._queue.remove(key)
                self._end(self._records[key], "cancelled")
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(min(timeout, 3.0))
            if thread.is_alive():
                log.warning("Waiting for the current step to finish.")
                thread.join(timeout)
        self._journal.close()

    # Inside, under the lock

    def _join(self, job: Job, owner: str, batch: str) -> bool:
        """Add this owner to a job that waits or runs; False when there is none to join."""
        with self._changed:
            record = self._records.get(job.id)
            if record is None or record.status in _ENDED or record.stopping:
                return False
            record.owners.setdefault(owner, batch)
            record.stop = False
            if record.status == "queued":
                self._queue.add(owner, job.id, batch)
            return True

    def _refuse_when_full(self, owner: str, batch: str) -> None:
        if self._closing:
            raise Unavailable("Vitrine is shutting down and accepts no new jobs. Try again after the restart.")
        active = [record for record in self._records.values() if record.status not in _ENDED]
        mine = {record.owners[owner] for record in active if owner in record.owners}
        if batch in mine:
            return
        # A job that several wait for counts for the first of them: joining costs nothing.
        waiting = {next(iter(record.owners.items())) for record in active if record.status == "queued"}
        if len(waiting) >= self._queue_limit:
            raise Unavailable(f"The queue is full ({self._queue_limit} jobs). Try again in a few minutes.")
        if len(mine) >= self._jobs_per_owner:
            raise Unavailable(
                f"You already have {len(mine)} jobs queued or running. Wait for one to finish, or cancel one."
            )

    def _remember(self, record: _Record) -> None:
        self._records.pop(record.job.id, None)
        self._records[record.job.id] = record
        ended = [key for key, old in self._records.items() if old.status in _ENDED]
        for key in ended[: max(len(ended) - REMEMBERED_JOBS, 0)]:
            del self._records[key]

    def _end(self, record: _Record, status: Status, error: str | None = None) -> None:
        record.status, record.error, record.finished = status, error, time.time()
        # A job that was stopped by our own end, or whose result is in memory only, is what the journal is for; one that
        # was replaced is still active.
        replaced = self._records.get(record.job.id, record) is not record
        unstored = status == "done" and self._runner.warning(record.job.id) is not None
        if not replaced and not unstored and not (self._closing and status == "cancelled"):
            self._journal.end(record.job.id)
        self._changed.notify_all()

    def _snapshot(self, record: _Record) -> Snapshot:
        order = self._queue.order()
        latest, running = record.meter.latest, record.status == "running"
        return Snapshot(
            status=record.status,
            position=order.index(record.job.id) + 1 if record.job.id in order else None,
            waiting=len(order),
            step=latest.step,
            total=latest.total,
            message="Stopping" if running and record.stop else latest.message,
            preview=record.meter.preview,
            preview_seq=record.meter.preview_seq,
            curve=latest.curve,
            error=record.error,
            warning=self._runner.warning(record.job.id) if record.status == "done" else None,
            started=record.started,
            finished=record.finished,
            eta=record.meter.eta() if running else None,
        )

    # The workers

    def _work(self) -> None:
        while (record := self._next()) is not None:
            try:
                self._carry_out(record)
            except BaseException:  # nothing an experiment does may end the worker
                log.exception("The worker had to give up on %s", record.job.id)
            finally:
                with self._changed:
                    if record.status not in _ENDED:
                        self._end(record, "failed", "This job failed unexpectedly. Start it again.")
            record = None
            gc.collect()

    def _next(self) -> _Record | None:
        with self._changed:
            while not self._closing:
                key = self._queue.take()
                if key is not None:
                    record = self._records[key]  # only jobs that ended are forgotten, and those left the queue
                    record.status, record.started = "running", time.time()
                    return record
                self._changed.wait()
            return None

    def _carry_out(self, record: _Record) -> None:
        status, error = "done", None
        try:
            self._runner.fetch(record.job.request, self._reporter(record))
        except Cancelled:
            status = "cancelled"
        except BaseException as problem:
            status, error = "failed", explain(problem, record.job.request)
        with self._changed:
            self._end(record, status, error)

    def _reporter(self, record: _Record) -> Callable[[Progress | None], None]:
        """What a running experiment calls: takes in its progress, if any, and raises Cancelled when it must stop."""

        def report(progress: Progress | None) -> None:
            with self._changed:
                if record.stop or self._closing:
                    record.stopping = True
                    raise Cancelled("The job was cancelled." if record.stop else "Vitrine was stopped.")
                if progress is not None:
                    record.meter.update(progress)

        return report


def _id(job: Job | str) -> str:
    return job if isinstance(job, str) else job.id


@cache
def _open_jobs() -> Jobs:
    chosen = config.settings()
    opened = Jobs(config.store(), jobs_per_owner=chosen.jobs_per_owner, queue_limit=chosen.queue_limit)
    atexit.register(opened.close)
    return opened


_OPENING = threading.Lock()


def jobs() -> Jobs:
    """The jobs of this process, started at the first call: one worker, for the one device that the process uses."""
    with _OPENING:
        return _open_jobs()
