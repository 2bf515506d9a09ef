"""What experiments are run with in tests: a context that writes down what it is told."""

from __future__ import annotations

from engine.core.errors import Cancelled
from engine.core.request import Progress, Request, Result


class Notebook:
    """Writes down what is reported, and stops a job when told to. It has no other results; those that have, or that may be
    given some to keep, say so."""

    def __init__(self, stop_after: int = 10_000) -> None:
        self.seen: list[Progress] = []
        self.kept: dict[str, Result] = {}
        self.stop_after = stop_after

    def report(self, progress: Progress) -> None:
        self.seen.append(progress)
        if len(self.seen) > self.stop_after:
            raise Cancelled("stopped")

    def compute(self, request: Request) -> Result:
        raise AssertionError("this experiment builds on nothing")

    def find(self, request: Request) -> Result | None:
        return self.kept.get(request.key())

    def keep(self, request: Request, result: Result, spare: bool = False) -> bool:
        raise AssertionError("this experiment keeps nothing else")
