"""What a job shows of itself while it runs: step, time left, curve, its pictures, and a preview at most twice a second.

`Snapshot.made` holds the pictures of a request while it runs, by unit or target as text: those that are finished, and
those that grow, so that each is drawn where it belongs. An index is a result of its own and can be looked up as soon as
it is there. Of a job that ended, `Snapshot.kept` says how many pictures are stored: asked for again, they are found.

Invariant: the last step's preview is always shown, a picture that is finished does not change, and a Snapshot never
changes after it was taken.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.core.request import Made, Progress

PREVIEW_SECONDS = 0.5
MOST_STAGES = 40
_NUMBERS = re.compile(r"\d[\d.,]*")
Status = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Snapshot:
    """How a job stands. Times are seconds since 1970, `eta` seconds from now; `preview` is PNG bytes.

    `position` counts from 1 in the queue and is None outside it; `preview_seq` grows with each new preview;
    `warning` is said beside a result that is there (it could not be stored, for instance). `made`: see above; empty when
    the job has ended. `kept`: how many of its pictures are finished and stored. `persons`: how many people want it;
    `quiet`: nobody does but the server, which prepares it. `stages`: what it did so far, one line for each kind of work, after so
    many seconds.
    """

    status: Status
    position: int | None = None
    waiting: int = 0
    step: int = 0
    total: int = 0
    message: str = ""
    preview: bytes | None = None
    preview_seq: int = 0
    curve: tuple[float, ...] = ()
    error: str | None = None
    warning: str | None = None
    started: float | None = None
    finished: float | None = None
    eta: float | None = None
    made: Mapping[str, Made] = field(default_factory=dict)
    kept: int = 0
    persons: int = 0
    quiet: bool = False
    stages: tuple[tuple[float, str], ...] = ()

    @property
    def active(self) -> bool:
        """Whether it is worth asking again."""
        return self.status in ("queued", "running")

    @property
    def fraction(self) -> float:
        """How much of it is done, 0 to 1."""
        return 1.0 if self.status == "done" else min(self.step / self.total, 1.0) if self.total else 0.0


@dataclass
class Meter:
    """The latest progress of one job. Not locked: its user holds a lock."""

    latest: Progress = field(default_factory=lambda: Progress(0, 0))
    preview: bytes | None = None
    preview_seq: int = 0
    made: dict[str, Made] = field(default_factory=dict)
    stages: list[tuple[float, str]] = field(default_factory=list)
    _began: float = 0.0
    _preview_at: float = float("-inf")
    _first: tuple[int, float] = (0, 0.0)
    _at: float = 0.0

    def update(self, progress: Progress) -> None:
        """Take in a report."""
        now = time.monotonic()
        # A new stage (another total, or steps that begin again) has its own pace.
        if not self._at or progress.total != self.latest.total or progress.step < self.latest.step:
            self._first = (progress.step, now)
        self.latest, self._at = progress, now
        self._note(progress.message, now)
        last = 0 < progress.total <= progress.step
        if progress.preview is not None and (last or now - self._preview_at >= PREVIEW_SECONDS):
            self.preview, self._preview_at = progress.preview, now
            self.preview_seq += 1
        for name, made in progress.made.items():
            # Later pictures of one name are those of other seeds, which the request compares it with.
            if name not in self.made or self.made[name].activation is None:
                self.made[name] = made

    def _note(self, message: str, now: float) -> None:
        """Write down what it does. Messages that differ in their numbers alone are one kind of work, which keeps the latest."""
        if not message:
            return
        self._began = self._began or now
        if self.stages and _NUMBERS.sub("", self.stages[-1][1]) == _NUMBERS.sub("", message):
            self.stages[-1] = (self.stages[-1][0], message)
        else:
            self.stages.append((now - self._began, message))
            del self.stages[:-MOST_STAGES]

    @property
    def kept(self) -> int:
        """How many pictures stay whatever becomes of the job."""
        return sum(made.kept for made in self.made.values())

    def eta(self) -> float | None:
        """Seconds left at the pace so far, or None while that cannot be known."""
        first, since = self._first
        done = self.latest.step - first
        if done <= 0 or not self.latest.total:
            return None
        left = (self._at - since) / done * (self.latest.total - self.latest.step)
        return max(left - (time.monotonic() - self._at), 0.0)
