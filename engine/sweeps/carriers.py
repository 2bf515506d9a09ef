"""Who carries the parts of a sweep out: the queue of this process, where they wait below what people ask for, or an executor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.core.request import Request
from engine.jobs.executors.executor import Executor, Gone, Handle
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

    @property
    def unheard(self) -> bool:
        """Whether it ended, if it did, since nobody is there to carry it out, so that it is to be sent again later."""
        ...

    def snapshot(self) -> Snapshot: ...

    def cancel(self) -> object: ...


class Carrier(Protocol):
    """Takes requests, and gives a ticket for each."""

    @property
    def ahead(self) -> int:
        """How many it should have at a time, as things are now: those that it carries out, and some that wait."""
        ...

    @property
    def ends(self) -> bool:
        """Whether it takes no more for good."""
        ...

    def submit(self, requests: Sequence[Request]) -> Sequence[Ticket]:
        """Raises VitrineError where one cannot be taken, Gone where nobody takes any."""


@dataclass(frozen=True)
class _Queued:
    jobs: Jobs
    id: str
    person: Person

    @property
    def unheard(self) -> bool:
        return self.jobs.draining

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

    @property
    def ahead(self) -> int:
        return 0 if self.jobs.draining else self.jobs.slots + AHEAD

    @property
    def ends(self) -> bool:
        return self.jobs.draining

    def submit(self, requests: Sequence[Request]) -> Sequence[Ticket]:
        return [
            _Queued(self.jobs, self.jobs.submit(request, self.person, f"{SWEEP}{self.id}").id, self.person)
            for request in requests
        ]


@dataclass(frozen=True)
class _Sent:
    handle: Handle

    @property
    def unheard(self) -> bool:
        return isinstance(self.handle.error, Gone)

    def snapshot(self) -> Snapshot:
        return self.handle.snapshot()

    def cancel(self) -> object:
        return self.handle.cancel()


class Direct:
    """An executor of the sweep's own."""

    ends: bool = False

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    @property
    def ahead(self) -> int:
        return WHOLE_ARRAY if self._executor.name == "slurm" else 2 * self._executor.slots

    def submit(self, requests: Sequence[Request]) -> Sequence[Ticket]:
        return [_Sent(handle) for handle in self._executor.submit_all(requests)]
