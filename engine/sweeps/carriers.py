"""Who carries the parts of a sweep out: the queue of this process, where they wait below what people ask for, or an executor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.core.request import Request
from engine.jobs.executors.executor import Executor
from engine.jobs.lanes import SWEEP
from engine.jobs.progress import Snapshot
from engine.jobs.scheduler import Jobs
from engine.people.person import Person

AHEAD = 4
"""Parts that wait in the queue at a time, beside those that run, so that no worker waits for us."""
WHOLE_ARRAY = 1 << 20
"""SLURM is given all at once: it has a queue of its own."""


class Ticket(Protocol):
    """One part on its way."""

    def snapshot(self) -> Snapshot: ...

    def cancel(self) -> object: ...


class Carrier(Protocol):
    """Takes requests, and gives a ticket for each."""

    @property
    def ahead(self) -> int:
        """How many it should have at a time."""
        ...

    def submit(self, requests: Sequence[Request]) -> Sequence[Ticket]:
        """Raises VitrineError where one cannot be taken."""


@dataclass(frozen=True)
class _Queued:
    jobs: Jobs
    id: str
    person: Person

    def snapshot(self) -> Snapshot:
        return self.jobs.snapshot(self.id)

    def cancel(self) -> object:
        return self.jobs.cancel(self.id, self.person)


@dataclass(frozen=True)
class Queue:
    """The queue of this process, as a person's sweep of this id."""

    jobs: Jobs
    person: Person
    id: str
    ahead: int = AHEAD

    def submit(self, requests: Sequence[Request]) -> Sequence[Ticket]:
        return [
            _Queued(self.jobs, self.jobs.submit(request, self.person, f"{SWEEP}{self.id}").id, self.person)
            for request in requests
        ]


class Direct:
    """An executor of the sweep's own."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.ahead = WHOLE_ARRAY if executor.name == "slurm" else 2 * executor.slots

    def submit(self, requests: Sequence[Request]) -> Sequence[Ticket]:
        return self._executor.submit_all(requests)
