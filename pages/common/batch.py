"""Several requests asked for together (the rows of a wall): submitted, watched and cancelled as one.

Invariant: what was stopped by a person, or failed, is not asked for again by itself. Knows no Streamlit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from engine.core.errors import Unavailable

if TYPE_CHECKING:
    from engine.core.request import Request
    from engine.jobs.progress import Snapshot
    from engine.jobs.scheduler import Jobs
    from engine.people.person import Person


@dataclass
class Batch:
    """Requests by key, in order, and who asks. `advance` it from time to time until nothing is `coming`.

    All of it stands in that person's line at once, so that it is worked off though nobody watches.
    """

    requests: dict[str, Request]
    person: Person
    submitted: list[str] = field(default_factory=list)
    stopped: bool = False
    shared: bool = False
    name: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def of(cls, requests: Sequence[Request], person: Person) -> Batch:
        """Raises VitrineError when a request cannot be keyed: its model or data set is not there."""
        return cls({request.key(): request for request in requests}, person)

    def advance(self, jobs: Jobs) -> None:
        """Submit what comes next, unless stopped. A request whose result is there is done at once.

        Raises VitrineError when the very first job is refused; later ones are tried again at the next call.
        """
        for key in [key for key in self.requests if key not in self.submitted]:
            if self.stopped:
                return
            try:
                jobs.submit(self.requests[key], self.person, self.name)
            except Unavailable:
                if self.submitted:
                    return
                raise
            self.submitted.append(key)

    def snapshots(self, jobs: Jobs) -> dict[str, Snapshot]:
        """How each submitted job stands, by key."""
        return {key: jobs.snapshot(key) for key in self.submitted}

    def waiting(self) -> list[str]:
        """The keys that are still to be submitted."""
        return [] if self.stopped else [key for key in self.requests if key not in self.submitted]

    def coming(self, jobs: Jobs, now: Mapping[str, Snapshot] | None = None) -> set[str]:
        """The keys that run or wait, here or to be submitted. `now`: how the jobs stand, where that is known."""
        stand = self.snapshots(jobs) if now is None else now
        active = {key for key, snapshot in stand.items() if self.goes_on(snapshot)}
        return active | set(self.waiting())

    def goes_on(self, snapshot: Snapshot) -> bool:
        """Whether a job of this batch, which stands so, is on its way. What was cancelled and is wanted by the server alone
        may be made one day, and nobody waits for that."""
        return snapshot.active and not (self.stopped and snapshot.quiet)

    def cancel(self, jobs: Jobs) -> None:
        """Stop asking; jobs that nobody else wants stop too. `shared` says afterwards whether another person wants one."""
        self.stopped = True
        running = [key for key in self.submitted if jobs.snapshot(key).active]
        for key in running:
            jobs.cancel(key, self.person)
        self.shared = any(jobs.snapshot(key).persons for key in running)
