"""How jobs ended and what they took, counted since the process began, and one line in the log for each."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field

from engine.core.logs import facts
from engine.jobs.records import Record

log = logging.getLogger(__name__)

BOUNDS = (1.0, 3.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 7200.0)
"""Seconds: up to where a job counts into each part of the distribution."""


@dataclass
class Seconds:
    """The seconds that jobs of one experiment ran: how many jobs up to each bound, how many in all, and their sum."""

    up_to: list[int] = field(default_factory=lambda: [0] * len(BOUNDS))
    count: int = 0
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """One more job."""
        for number, bound in enumerate(BOUNDS):
            self.up_to[number] += seconds <= bound
        self.count += 1
        self.total += seconds


class Tally:
    """What ended, by experiment. Read and changed under the lock of its Jobs."""

    def __init__(self) -> None:
        self.ended: Counter[tuple[str, str]] = Counter()
        self.seconds: dict[str, Seconds] = {}

    def note(self, record: Record) -> None:
        """A job ended."""
        experiment = record.job.request.experiment
        ran = record.seconds()
        self.ended[experiment, record.status] += 1
        if ran is not None:
            self.seconds.setdefault(experiment, Seconds()).add(ran)
        told = {"experiment": experiment, "job": record.job.id, "status": record.status, "persons": record.persons}
        log.info("job", extra=facts(**told, seconds=None if ran is None else round(ran, 2)))
