"""What a job shows of itself while it runs: step, time left, curve, and a preview at most twice a second.

Invariant: the last step's preview is always shown, and a Snapshot never changes after it was taken.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

from engine.core.request import Progress

PREVIEW_SECONDS = 0.5
Status = Literal["queued", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Snapshot:
    """How a job stands. Times are seconds since 1970, `eta` seconds from now; `preview` is PNG bytes.

    `position` counts from 1 in the queue and is None outside it; `preview_seq` grows with each new preview;
    `warning` is said beside a result that is there (it could not be stored, for instance).
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
        last = 0 < progress.total <= progress.step
        if progress.preview is not None and (last or now - self._preview_at >= PREVIEW_SECONDS):
            self.preview, self._preview_at = progress.preview, now
            self.preview_seq += 1

    def eta(self) -> float | None:
        """Seconds left at the pace so far, or None while that cannot be known."""
        first, since = self._first
        done = self.latest.step - first
        if done <= 0 or not self.latest.total:
            return None
        left = (self._at - since) / done * (self.latest.total - self.latest.step)
        return max(left - (time.monotonic() - self._at), 0.0)
