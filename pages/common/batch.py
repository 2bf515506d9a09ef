"""Several requests asked for together (the rows of a wall): submitted, watched and cancelled as one.

Invariant: what was stopped by a person, or failed, is not asked for again by itself. Knows no Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from engine.core.errors import Unavailable

if TYPE_CHECKING:
    from engine.core.request import Request
    from engine.jobs.progress import Snapshot
    from engine.jobs.scheduler import Jobs

AT_ONCE = 2
"""How many of a patient batch wait or run at the same time: the next is ready when one ends."""


@dataclass
class Batch:
    """Requests by key, in order, and who asks. `advance` it from time to time until nothing is `coming`.

    All of it stands in its owner's line at once, so that it is worked off though nobody watches. A patient batch works
    only while nobody else does: it waits for others, and goes on where it was interrupted.
    """

    requests: dict[str, Request]
    owner: str
    patient: bool = False
    submitted: list[str] = field(default_factory=list)
    stopped: bool = False
    shared: bool = False
    name: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def of(cls, requests: Sequence[Request], owner: str, patient: bool = False) -> Batch:
        """Raises VitrineError when a request cannot be keyed: its model or data set is not there."""
        return cls({request.key(): request for request in requests}, owner, patient)

    def advance(self, jobs: Jobs) -> None:
        """Submit what comes next, unless stopped. A request whose result is there is done at once.

        Raises VitrineError when the very first job is refused; later ones are tried again at the next call.
        """
        if self.patient:
            self.submitted = [key for key in self.submitted if jobs.snapshot(key).status != "cancelled"]
            if any(job.id not in self.requests for job in jobs.active()):
                return
        for key in [key for key in self.requests if key not in self.submitted]:
            if self.stopped or (self.patient and sum(jobs.snapshot(each).active for each in self.submitted) >= AT_ONCE):
                return
            try:
                jobs.submit(self.requests[key], self.owner, self.name)
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

    def coming(self, jobs: Jobs) -> set[str]:
        """The keys that run or wait, here or to be submitted."""
        active = {key for key, snapshot in self.snapshots(jobs).items() if snapshot.active}
        return active | set(self.waiting())

    def cancel(self, jobs: Jobs) -> None:
        """Stop asking; jobs that nobody else wants stop too. `shared` says afterwards whether somebody else wants one."""
        self.stopped = True
        running = [key for key in self.submitted if jobs.snapshot(key).active]
        self.shared = not all([jobs.cancel(key, self.owner) for key in running])


OWNER = "gallery"


def give_way() -> None:
    """Take the gallery's pictures back, so that a person's job starts now. What somebody else wants too goes on.

    An index that is being made goes on: the person's own job would have to make it anyway.
    """
    from engine.jobs.scheduler import jobs

    for job in jobs().active():
        if job.request.experiment != "index":
            jobs().cancel(job, OWNER)
