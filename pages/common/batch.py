"""Several requests asked for together (the rows of a wall): submitted few at a time, watched and cancelled as one.

Invariant: a request whose result is there is never submitted; what was stopped or failed is not asked for again by itself.
Knows no Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.errors import Unavailable

if TYPE_CHECKING:
    from engine.experiment import Request
    from engine.jobs import Jobs
    from engine.progress import Snapshot

AT_ONCE = 2
"""How many of a batch wait or run at the same time: the next is ready when one ends, and others get their turn."""


@dataclass
class Batch:
    """Requests by key, in order, and who asks. `advance` it from time to time until it is no longer `active`."""

    requests: dict[str, Request]
    owner: str
    submitted: list[str] = field(default_factory=list)
    stopped: bool = False

    @classmethod
    def of(cls, requests: Sequence[Request], owner: str) -> Batch:
        """Raises VitrineError when a request cannot be keyed: its model or data set is not there."""
        return cls({request.key(): request for request in requests}, owner)

    def advance(self, jobs: Jobs, done: Sequence[str] = ()) -> None:
        """Submit what comes next, unless stopped. `done` are keys whose results are known to be there.

        Raises VitrineError when the very first job is refused; later ones are tried again at the next call.
        """
        waiting = [key for key in self.requests if key not in self.submitted and key not in done]
        for key in waiting:
            running = sum(jobs.snapshot(each).active for each in self.submitted)
            if self.stopped or running >= AT_ONCE:
                return
            try:
                jobs.submit(self.requests[key], self.owner)
            except Unavailable:
                if not running and not self.submitted:
                    raise
                return
            self.submitted.append(key)

    def snapshots(self, jobs: Jobs) -> dict[str, Snapshot]:
        """How each submitted job stands, by key."""
        return {key: jobs.snapshot(key) for key in self.submitted}

    def active(self, jobs: Jobs) -> bool:
        """Whether there is more to come."""
        ended = [not snapshot.active for snapshot in self.snapshots(jobs).values()]
        return not all(ended) or (not self.stopped and len(self.submitted) < len(self.requests))

    def cancel(self, jobs: Jobs) -> None:
        """Stop asking; jobs that nobody else wants stop too."""
        self.stopped = True
        for key in self.submitted:
            jobs.cancel(key, self.owner)
