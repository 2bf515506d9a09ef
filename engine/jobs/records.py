"""What is known of each job: who wants it and how it stands; and how many may be asked for at once.

Invariant: all of it is read and changed under the lock of its Jobs (see `engine.jobs.scheduler`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.core.errors import Unavailable
from engine.core.request import Request
from engine.jobs.progress import Meter, Snapshot, Status

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
    owners: dict[str, str]  # who wants it, and as part of which of their batches
    status: Status = "queued"
    meter: Meter = field(default_factory=Meter)
    stop: bool = False
    stopping: bool = False  # Cancelled was raised into it: too late for a newcomer to join
    error: str | None = None
    started: float | None = None
    finished: float | None = None

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
        )


class Records(dict[str, Record]):
    """The jobs of a process by their ids: those that wait or run, and the last of those that ended."""

    def __init__(self, jobs_per_owner: int, queue_limit: int) -> None:
        super().__init__()
        self._jobs_per_owner, self._queue_limit = jobs_per_owner, queue_limit

    def to_join(self, id: str) -> Record | None:
        """The job of this id, if a newcomer may still join it."""
        record = self.get(id)
        return None if record is None or record.ended or record.stopping else record

    def remember(self, record: Record) -> None:
        """Add a job, in place of an earlier one of its id; the oldest of those that ended are forgotten."""
        self.pop(record.job.id, None)
        self[record.job.id] = record
        ended = [key for key, old in self.items() if old.ended]
        for key in ended[: max(len(ended) - REMEMBERED_JOBS, 0)]:
            del self[key]

    def refuse_when_full(self, owner: str, batch: str) -> None:
        """Raise Unavailable where no further job may wait, or none of this owner; a batch counts as one job."""
        active = [record for record in self.values() if not record.ended]
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
