"""What is known of each job: who wants it and how it stands; and how many may be asked for at once.

Invariant: all of it is read and changed under the lock of its Jobs (see `engine.jobs.scheduler`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.core.errors import OutOfTime, Unavailable
from engine.core.request import Progress, Request
from engine.core.settings.limits import Limits
from engine.jobs import endings
from engine.jobs.endings import Ending
from engine.jobs.lanes import SWEEP, Lane
from engine.jobs.progress import Meter, Snapshot, Status
from engine.people import audit
from engine.people.person import SERVER, Person

REMEMBERED_JOBS = 256
ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Job:
    """A handle on a job: its id is the request's key."""

    id: str
    request: Request


@dataclass
class Record:
    """What is known of one job."""

    job: Job
    owners: dict[str, str]  # who wants it (ids of persons), and as part of which of their batches
    status: Status = "queued"
    meter: Meter = field(default_factory=Meter)
    stop: bool = False
    stopping: bool = False  # Cancelled was raised into it: too late for a newcomer to join
    leaving: bool = False  # PutBack was raised into it: its place is free in a moment
    error: str | None = None
    started: float | None = None
    begun: float | None = None  # since when somebody works at it, by a clock that never jumps
    finished: float | None = None
    kept: int = 0  # pictures that were stored before it ended
    long: bool = False  # a short one that turned out to be long
    people: dict[str, Person] = field(default_factory=dict)  # its owners, by their ids

    @classmethod
    def found(cls, job: Job, person: Person, batch: str) -> Record:
        """Of a job whose result was there already."""
        return cls(job, {person.id: batch}, "done", finished=time.time(), people={person.id: person})

    @property
    def lane(self) -> Lane:
        """As what it runs: what the first person wants it as who does not wait in a lane that yields, if there is one."""
        lanes = {self.lane_of(owner) for owner in self.owners}
        return next((lane for lane in (self._asked_for(), "sweep", "quiet") if lane in lanes), self._asked_for())

    def lane_of(self, owner: str) -> Lane:
        """Where it waits for this owner."""
        if owner == SERVER.id:
            return "quiet"
        return "sweep" if _is_sweep(self.owners[owner]) else self._asked_for()

    def asked_by(self, person: Person) -> bool:
        """Whether this person wants it by itself, and not as a part of a sweep."""
        return person.id in self.owners and not _is_sweep(self.owners[person.id])

    def _asked_for(self) -> Lane:
        return "usual" if self.long else self.job.request.lane

    @property
    def names(self) -> list[str]:
        """The names of those who want it; empty for visitors, who have none."""
        return [self.people[owner].name if owner in self.people else "" for owner in self.owners]

    def put_back(self) -> None:
        """It waits again, as if it had not begun."""
        self.status, self.started, self.begun, self.meter = "queued", None, None, Meter()
        self.stopping = self.leaving = False

    def start(self) -> None:
        """It runs from now on."""
        self.status, self.started, self.begun = "running", time.time(), time.monotonic()

    def goes_on(self, progress: Progress | None, waits: bool = False, long: bool = False) -> None:
        """This was reported of it. While it `waits` where it is carried out, for a machine of a cluster say, it takes no time;
        one that is `long` lets others pass from now on."""
        self.long |= long
        if progress is not None:
            self.meter.update(progress)
        if waits:
            self.begun = None
        elif self.begun is None:
            self.begun = time.monotonic()

    def seconds(self) -> float | None:
        """How long it has been worked at; None where nobody does."""
        return None if self.begun is None else time.monotonic() - self.begun

    @property
    def persons(self) -> int:
        """How many want it, beside the server."""
        return len(self.owners.keys() - {SERVER.id})

    def end(self, status: Status, error: str | None) -> None:
        """It ended so. What it showed of its pictures is let go: those that are kept are results."""
        self.kept = self.meter.kept
        self.meter.made.clear()
        self.status, self.error, self.finished = status, error, time.time()
        for owner in self.owners:
            self.note(self.people.get(owner, Person(owner)), status, **({"reason": error} if error else {}))

        self.tell_end()

    def tell_end(self) -> None:
        """Tell those who listen that it ended, and for whom; of a sweep, which has thousands of parts, it is told as a whole."""
        people = [self.people.get(owner, Person(owner)) for owner, batch in self.owners.items() if not _is_sweep(batch)]
        ended = self.finished or time.time()
        job, short = self.job, self._asked_for() == "short"
        endings.tell(Ending(job.id, job.request, tuple(people), self.status, ended, self.started, self.error, short))

    def note(self, person: Person, outcome: str, **facts: object) -> None:
        """Write down for operators what came of this job for somebody."""
        seconds = round(time.time() - self.started, 2) if self.started else 0.0
        told = {"experiment": self.job.request.experiment, "key": self.job.id, "seconds": seconds, **facts}
        audit.note(person, "compute", outcome, **told)

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs or waits any more."""
        return self.status in ENDED

    def snapshot(self, order: Sequence[str], warning: str | None) -> Snapshot:
        """How the job stands, given the `order` in which jobs have their turns and what there is to say of its result."""
        latest, running = self.meter.latest, self.status == "running"
        return Snapshot(
            status=self.status,
            position=order.index(self.job.id) + 1 if self.job.id in order else None,
            waiting=len(order),
            step=latest.step,
            total=latest.total,
            message="Stopping" if running and self.stop else latest.message,
            preview=self.meter.preview,
            preview_seq=self.meter.preview_seq,
            curve=latest.curve,
            error=self.error,
            warning=warning,
            started=self.started,
            finished=self.finished,
            eta=self.meter.eta() if running else None,
            made=self.meter.made.copy() if running else {},
            kept=self.meter.kept or self.kept,
            persons=self.persons,
            quiet=self.lane == "quiet",
            stages=tuple(self.meter.stages),
        )


def _is_sweep(batch: str) -> bool:
    return batch.startswith(SWEEP)


class Records(dict[str, Record]):
    """The jobs of a process by their ids: those that wait or run, and the last of those that ended."""

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self._limits = limits

    def to_join(self, id: str) -> Record | None:
        """The job of this id, if a newcomer may still join it."""
        record = self.get(id)
        return None if record is None or record.ended or record.stopping else record

    def waiting(self, id: str) -> Record | None:
        """The job of this id, if it waits for its turn. All that are in the queue do; a worker that stumbled over one that does
        not would be missing for good."""
        return record if (record := self.get(id)) is not None and record.status == "queued" else None

    def found(self, job: Job, person: Person, batch: str) -> Record | None:
        """A person asked for a result that is there already. Gives the job that still waits to make it, if there is one. A job
        that waits or runs is not replaced: the queue and the workers know it."""
        record = Record.found(job, person, batch)
        if self.to_join(job.id) is None:
            self.remember(record)
        record.note(person, "stored")
        record.tell_end()
        return self.waiting(job.id)

    def remember(self, record: Record) -> None:
        """Add a job, in place of an earlier one of its id; the oldest of those that ended are forgotten."""
        self.pop(record.job.id, None)
        self[record.job.id] = record
        ended = [key for key, old in self.items() if old.ended]
        for key in ended[: max(len(ended) - REMEMBERED_JOBS, 0)]:
            del self[key]

    def refuse_when_full(self, person: Person, batch: str) -> None:
        """Raise Unavailable where no further job may wait, or none of this person. A batch counts as one job, and of its parts
        only so many may wait and run at once. A sweep counts as none: it keeps few of its parts waiting."""
        if batch.startswith(SWEEP):
            return
        active = [record for record in self.values() if not record.ended and record.lane != "sweep"]
        mine = [record.owners[person.id] for record in active if person.id in record.owners]
        if person.id != SERVER.id and len(mine) >= (most := self._limits.parts_per_person):
            raise Unavailable(
                f"You already have {len(mine)} parts of jobs queued or running; here a person may have {most}. "
                "Wait until some are done, or cancel some."
            )
        if batch in mine:
            return
        # A job that several wait for counts for the first of them: joining costs nothing.
        waiting = {next(iter(record.owners.items())) for record in active if record.status == "queued"}
        if len(waiting) >= self._limits.jobs_waiting:
            raise Unavailable(f"The queue is full ({self._limits.jobs_waiting} jobs). Try again in a few minutes.")
        if len(batches := {*mine}) >= self._limits.jobs_per_person:
            raise Unavailable(
                f"You already have {len(batches)} jobs queued or running. Wait for one to finish, or cancel one."
            )

    def makes_room(self, record: Record, waiting: int, slots: int, nearly_done: float) -> bool:
        """Whether a running job goes back into the queue for those that wait: where all of them and the jobs that stay leave no
        place for it. So no more jobs go back than are waited for; one that is done in so few seconds goes on."""
        others = (each for each in self.values() if each.status == "running" and each is not record)
        staying = sum(not each.leaving for each in others)
        left = record.meter.eta()
        record.leaving = waiting > 0 and waiting + staying >= slots and (left is None or left > nearly_done)
        return record.leaving

    def refuse_when_late(self, record: Record) -> None:
        """Raise OutOfTime where a running job has taken longer than a job may that a person asked for."""
        most = self._limits.seconds_per_job
        if most and record.persons and (record.seconds() or 0.0) > most:
            raise OutOfTime(
                f"This took longer than the {most} seconds that a job may take here, and was stopped. What was finished is "
                "kept. Ask for fewer units, images or steps at once."
            )
