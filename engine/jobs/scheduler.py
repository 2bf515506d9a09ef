"""Jobs: requests waiting for a worker thread, worked on one at a time, watched and cancelled from anywhere.

Invariants: one request (one key) is one job, however many ask; a job is stopped only when nobody is left who wants
it; a result is in the store (or, where that cannot be written, kept in memory) before its job says `done`; whatever
an experiment raises ends its job and never its worker. Nothing here knows a browser: a job outlives its submitter.
"""

from __future__ import annotations

import atexit
import json
import threading
import time
from functools import cache
from typing import Any

from cache.store import ResultStore
from engine.core import config
from engine.core.errors import Cancelled, Unavailable
from engine.core.request import Progress, Request, Result
from engine.jobs.fair_queue import FairQueue
from engine.jobs.journal import Journal
from engine.jobs.progress import Snapshot, Status
from engine.jobs.records import Job, Record, Records
from engine.jobs.runner import Runner
from engine.jobs.workers import Workers

GONE = "This job no longer exists. Start it again."


class Jobs:
    """The queue, its workers (one thread for each device in use) and the finished jobs of this process."""

    def __init__(self, store: ResultStore, workers: int = 1, *, jobs_per_owner: int = 4, queue_limit: int = 64) -> None:
        self._changed = threading.Condition()
        self._records = Records(jobs_per_owner, queue_limit)
        self._queue = FairQueue()
        self._closing = False
        self._runner = Runner(store)
        self._journal = Journal(store.mark)
        self._workers = Workers(self, self._runner, workers)

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
                self._records.remember(Record(job, {owner: batch}, "done", finished=time.time()))
                return job
            if self._closing:
                raise Unavailable("Vitrine is shutting down and accepts no new jobs. Try again after the restart.")
            self._records.refuse_when_full(owner, batch)
            self._records.remember(Record(job, {owner: batch}))
            self._queue.add(owner, job.id, batch)
            self._journal.begin(job.id, json.loads(request.canonical()))
            self._changed.notify_all()
        return job

    def cancel(self, job: Job | str, owner: str = "local") -> bool:
        """Take back this owner's interest. True when nobody else is interested, so that the job stops."""
        with self._changed:
            record = self._records.get(_id(job))
            if record is None or record.ended or owner not in record.owners:
                return False
            del record.owners[owner]
            self._queue.remove(record.job.id, owner)
            if record.owners:
                return False
            record.stop = True
            if record.status == "queued":
                self._queue.remove(record.job.id)
                self.end(record, "cancelled")
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
                warning = self._runner.warning(record.job.id) if record.status == "done" else None
                return record.snapshot(self._queue.order(), warning)
        if self._runner.find(_id(job)) is not None:
            return Snapshot("done")
        return Snapshot("cancelled", message=GONE)

    def wait(self, job: Job | str, timeout: float | None = None) -> Snapshot:
        """Wait until a job ends (or `timeout` seconds), and say how it stands then."""

        def ended() -> bool:
            record = self._records.get(_id(job))
            return record is None or record.ended

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

    def interrupted(self) -> dict[str, dict[str, Any]]:
        """Requests by key that an earlier process had taken on and did not finish; `parse_request` reads them."""
        return {key: facts for key, facts in self._journal.interrupted().items() if self._runner.find(key) is None}

    def forget_interrupted(self, key: str | None = None) -> None:
        """Stop listing an interrupted request, or (without a key) all of them."""
        self._journal.forget(key)

    def close(self, timeout: float = 60.0) -> None:
        """Take no more jobs and stop those that run; what was not finished is listed as interrupted next time.

        Waits for the step that is being computed: Python ends a process whose threads are inside torch by an abort.
        """
        with self._changed:
            self._closing = True
            for key in self._queue.order():
                self._queue.remove(key)
                self.end(self._records[key], "cancelled")
            self._changed.notify_all()
        self._workers.join(timeout)
        self._journal.close()

    def _join(self, job: Job, owner: str, batch: str) -> bool:
        """Add this owner to a job that waits or runs; False when there is none to join."""
        with self._changed:
            record = self._records.to_join(job.id)
            if record is None:
                return False
            record.owners.setdefault(owner, batch)
            record.stop = False
            if record.status == "queued":
                self._queue.add(owner, job.id, batch)
            return True

    # What the workers ask (see `engine.jobs.workers.Line`)

    def take(self) -> Record | None:
        """The next job, which runs from now on; waits for one, and gives None when no more are to be carried out."""
        with self._changed:
            while not self._closing:
                key = self._queue.take()
                if key is not None:
                    record = self._records[key]  # only jobs that ended are forgotten, and those left the queue
                    record.status, record.started = "running", time.time()
                    return record
                self._changed.wait()
            return None

    def report(self, record: Record, progress: Progress | None) -> None:
        """A running job's progress, if there is some. Raises Cancelled when the job must stop."""
        with self._changed:
            if record.stop or self._closing:
                record.stopping = True
                raise Cancelled("The job was cancelled." if record.stop else "Vitrine was stopped.")
            if progress is not None:
                record.meter.update(progress)

    def end(self, record: Record, status: Status, error: str | None = None) -> None:
        """A job ended so; nothing where it had ended before."""
        with self._changed:
            if record.ended:
                return
            record.status, record.error, record.finished = status, error, time.time()
            # A job that was stopped by our own end, or whose result is in memory only, is what the journal is for; one
            # that was replaced is still active.
            replaced = self._records.get(record.job.id, record) is not record
            unstored = status == "done" and self._runner.warning(record.job.id) is not None
            if not replaced and not unstored and not (self._closing and status == "cancelled"):
                self._journal.end(record.job.id)
            self._changed.notify_all()


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
