"""Jobs: requests waiting for a worker thread, worked on one at a time, watched and cancelled from anywhere.

Invariants: one request (one key) is one job, however many ask; a job is stopped only when nobody is left who wants
it; a result is in the store (or, where that cannot be written, kept in memory) before its job says `done`; whatever
an experiment raises ends its job and never its worker. Nothing here knows a browser: a job outlives its submitter.
A short job passes the long ones, also those that run; a quiet one, and a part of a sweep, make room for whatever a person
asks for.
"""

from __future__ import annotations

import atexit
import json
import threading
from functools import cache
from typing import Any

from cache.store import ResultStore
from engine.core import config
from engine.core.errors import Cancelled, OutOfTime, PutBack, Unavailable, VitrineError
from engine.core.request import Progress, Request, Result
from engine.core.settings.limits import Limits
from engine.jobs.journal import Journal
from engine.jobs.lanes import IN_TURN, YIELDS_TO, Lane, Lanes
from engine.jobs.progress import Snapshot, Status
from engine.jobs.records import Job, Record, Records
from engine.jobs.relays import carriers
from engine.jobs.runner import Runner
from engine.jobs.tally import Tally
from engine.jobs.workers import Hire, ShuttingDown, Workers
from engine.people import audit
from engine.people.person import LOCAL, Person

GONE = "This job no longer exists. Start it again."
NEARLY_DONE = 3.0
"""Seconds. A job that has to make room and is done so soon goes on."""


class Jobs:
    """The queue, who carries its jobs out (`carriers`; default: as many threads as there are `workers`), and the finished jobs
    of this process."""

    def __init__(
        self, store: ResultStore, workers: int = 1, *, limits: Limits | None = None, carriers: Hire | None = None
    ) -> None:
        self._changed = threading.Condition()
        self._records = Records(limits or Limits())
        self._queue = Lanes()
        self._closing = self._draining = False
        self.tally = Tally()
        self._runner = Runner(store)
        self._journal = Journal(store.mark)
        self._workers = carriers(self, self._runner) if carriers else Workers(self, self._runner, workers)

    # Asking

    def submit(self, request: Request, person: Person = LOCAL, batch: str | None = None) -> Job:
        """Ask for a result. Done at once when it is stored; joins the job when somebody asked already. Jobs that name the same
        batch of a person count as one; one named as a sweep yields to all others of people. What SERVER asks for is quiet.

        Raises VitrineError when the request cannot be keyed (a model or data set is missing), Forbidden when this person may not
        compute what is not stored, BadRequest when it asks for too much, Unavailable when the queue is full or no worker could.
        """
        try:
            return self._submit(Job(request.key(), request), person, batch)
        except VitrineError as refusal:
            audit.note(person, "compute", "refused", experiment=request.experiment, reason=str(refusal))
            raise

    def _submit(self, job: Job, person: Person, batch: str | None) -> Job:
        batch = batch or job.id
        computes = person.is_at_least("member")
        if computes and self._join(job, person, batch):
            return job
        stored = self._runner.find(job.id) is not None
        if not stored:
            person.require("member", "compute")
            job.request.check_size()
            self._workers.refuse(job.request)
        with self._changed:
            if computes and self._join(job, person, batch):
                return job
            if stored:
                if (waiting := self._records.found(job, person, batch)) is not None:
                    self._queue.remove(job.id)
                    self.end(waiting, "done")
                return job
            if self.draining:
                raise Unavailable("Vitrine is shutting down and accepts no new jobs. Try again after the restart.")
            self._records.refuse_when_full(person, batch)
            record = Record(job, {person.id: batch}, people={person.id: person})
            self._records.remember(record)
            self._wait_for(record, person.id)
            self._changed.notify_all()
        return job

    def cancel(self, job: Job | str, person: Person = LOCAL) -> bool:
        """Take back this person's interest. True when nobody else is interested, so that the job stops."""
        with self._changed:
            record = self._records.get(_id(job))
            if record is None or record.ended or person.id not in record.owners:
                return False
            del record.owners[person.id]
            self._journal.leave(record.job.id, person.id)
            self._queue.remove(record.job.id, person.id)
            record.note(person, "cancelled")
            if record.owners:
                return False
            self._stop(record)
            return True

    def stop(self, job: Job | str, person: Person) -> bool:
        """Stop a job whoever wants it; False where it has ended. Raises Forbidden unless this person is an operator."""
        person.require("operator", "stop what others asked for")
        with self._changed:
            record = self._records.get(_id(job))
            if record is None or record.ended:
                return False
            record.note(person, "stopped", owners=[*record.owners])
            record.owners.clear()
            self._stop(record)
            return True

    def _stop(self, record: Record) -> None:
        record.stop = True
        if record.status == "queued":
            self._queue.remove(record.job.id)
            self.end(record, "cancelled")

    # Watching

    @property
    def slots(self) -> int:
        """How many jobs are carried out at once."""
        return self._workers.slots

    def job(self, id: str) -> Job | None:
        """The job with this id (the request's key), while it is remembered."""
        with self._changed:
            return record.job if (record := self._records.get(id)) else None

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

    def active(self, person: Person | None = None) -> list[Job]:
        """The jobs that run or wait (those that a person asked for by themselves), running ones first, then in their order."""
        with self._changed:
            running = [key for key, record in self._records.items() if record.status == "running"]
            every = map(self._records.__getitem__, running + self._queue.order())
            return [record.job for record in every if person is None or record.asked_by(person)]

    def counts(self) -> dict[str, int]:
        """How many jobs run and wait, apart from those that the server prepares (`quiet`), and were `interrupted` before."""
        with self._changed:
            counts = dict.fromkeys(("running", "queued", "quiet"), 0) | {"interrupted": len(self._journal)}
            for record in self._records.values():
                if not record.ended:
                    counts["quiet" if record.lane == "quiet" else record.status] += 1
            return counts

    def wanted_by(self, job: Job | str) -> list[str]:
        """The names of those who want a job; empty for visitors, who have none."""
        with self._changed:
            return record.names if (record := self._records.get(_id(job))) else []

    def result(self, key: str) -> Result | None:
        """A finished result, from the store or (when it could not be stored) from memory."""
        return self._runner.find(key)

    def interrupted(self, person: Person = LOCAL) -> dict[str, dict[str, Any]]:
        """This person's requests by key that an earlier process had taken on and did not finish; `parse_request` reads them."""
        mine = self._journal.interrupted(person.id)
        return {key: facts for key, facts in mine.items() if self._runner.find(key) is None}

    def forget_interrupted(self, person: Person = LOCAL, key: str | None = None) -> None:
        """Stop listing an interrupted request of this person, or (without a key) all of theirs."""
        self._journal.forget(person.id, key)

    @property
    def draining(self) -> bool:
        """Whether no more jobs are taken, since this process is about to end."""
        return self._draining or self._closing

    def drain(self, seconds: float) -> bool:
        """Take no more jobs and begin none of those that wait; those that run have so many seconds to end. True when they did.
        Asked for by people who still look at pages: call `close` afterwards."""

        def idle() -> bool:
            return not any(record.status == "running" for record in self._records.values())

        with self._changed:
            self._draining = True
            for record in self._records.values():
                record.stop |= record.lane == "quiet"
            self._changed.notify_all()
            return self._changed.wait_for(idle, seconds)

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
        self._runner.put_kept()
        self._journal.close()

    def _join(self, job: Job, person: Person, batch: str) -> bool:
        """Add this person to a job that waits or runs; False when there is none to join."""
        with self._changed:
            if (record := self._records.to_join(job.id)) is None:
                return False
            record.owners.setdefault(person.id, batch)
            record.people[person.id] = person
            record.stop = False
            self._wait_for(record, person.id)
            self._changed.notify_all()
            return True

    def _wait_for(self, record: Record, owner: str) -> None:
        """An owner wants this job, which waits for its turn unless it runs. What a person wants is remembered."""
        if record.status == "queued":
            self._queue.add(record.lane_of(owner), owner, record.job.id, record.owners[owner])
        if record.lane_of(owner) not in YIELDS_TO:
            self._journal.begin(record.job.id, json.loads(record.job.request.canonical()), owner)

    # What the workers ask (see `engine.jobs.workers.Line`)

    def take(self) -> Record | None:
        """The next job, which runs from now on; waits for one, and gives None when no more are to be carried out."""
        with self._changed:
            while not self.draining:
                if (record := self._next()) is not None:
                    return record
                self._changed.wait()
            return None

    def take_short(self) -> Record | None:
        """A short job, which runs from now on, if one waits."""
        with self._changed:
            return None if self.draining else self._next("short")

    def _next(self, *lanes: Lane) -> Record | None:
        while (key := self._queue.take(lanes or IN_TURN)) is not None:
            if (record := self._records.waiting(key)) is not None:
                record.start()
                return record
        return None

    def report(self, record: Record, progress: Progress | None, waits: bool = False, long: bool = False) -> None:
        """A running job's progress, if there is some; `waits`: nobody works at it now; `long`: it is no short one. Raises
        Cancelled when the job must stop, OutOfTime when it took longer than it may, PutBack when it yields and somebody waits."""
        with self._changed:
            if record.stop or self._closing:
                record.stopping = True
                raise Cancelled("The job was cancelled.") if record.stop else ShuttingDown("Vitrine was stopped.")
            record.goes_on(progress, waits, long)
            try:
                self._records.refuse_when_late(record)
            except OutOfTime:
                record.stopping = True
                raise
            waiting = self._queue.waits(*YIELDS_TO.get(record.lane, ()))
            if self._records.makes_room(record, waiting, self.slots, NEARLY_DONE):
                raise PutBack("Somebody asked for something.")

    def begins(self, record: Record, request: Request, waits: bool) -> None:
        """A job is about to compute a request, its own or one that it builds on, or to wait for it (`waits`). One in the
        short lane must do neither for long: the job at whose report it runs stands still, and might be what it waits for.
        """
        with self._changed:
            if record.lane == "short" and (waits or request.lane != "short"):
                record.long = True
                raise PutBack("This takes longer than it seemed.")

    def put_back(self, record: Record) -> None:
        """A running job made room for another: it waits again, unless it was cancelled meanwhile."""
        with self._changed:
            if record.stop or self._closing:
                self.end(record, "cancelled")
                return
            record.put_back()
            for owner in record.owners:
                self._wait_for(record, owner)
            self._changed.notify_all()

    def end(self, record: Record, status: Status, error: str | None = None) -> None:
        """A job ended so; nothing where it had ended before."""
        with self._changed:
            if record.ended:
                return
            record.end(status, error)
            self.tally.note(record)
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
    opened = Jobs(config.store(), limits=config.settings().limits, carriers=carriers)
    atexit.register(opened.close)
    return opened


_OPENING = threading.Lock()


def started() -> Jobs | None:
    """The jobs of this process, if there are some already."""
    with _OPENING:
        return _open_jobs() if _open_jobs.cache_info().currsize else None


def jobs() -> Jobs:
    """The jobs of this process, started at the first call, and carried out as the settings say: by one thread on the CPU."""
    with _OPENING:
        return _open_jobs()
