"""A pass over a data set that had to make room for somebody's job goes on where it stopped, while this process lives.

Invariant: memory is held for one such pass, the last, and only where it takes little.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from engine.core import devices
from engine.data.dataset import Dataset
from engine.evaluation.tally import Tally

MOST_BYTES = 512 << 20


@dataclass
class Pass:
    """What was counted, and up to which image of the data set, which knows what it had to leave out so far."""

    dataset: Dataset
    tallies: Sequence[Tally]
    done: int = 0


class Unfinished:
    """The last pass that had to make room."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._lock = threading.Lock()
        self._most = most
        self._kept: tuple[Hashable, Pass] | None = None

    def keep(self, about: Hashable, begun: Pass) -> None:
        """Hold it, instead of the one before. `about`: all that it counts holds for. One that takes much is let go."""
        if begun.done and sum(tally.bytes for tally in begun.tallies) <= self._most:
            with self._lock:
                self._kept = (about, begun)

    def take(self, about: Hashable) -> Pass | None:
        """The pass about this, which is no longer held here; None where there is none."""
        with self._lock:
            if self._kept is None or self._kept[0] != about:
                return None
            (_, begun), self._kept = self._kept, None
            return begun

    def let_go(self) -> None:
        """Hold none."""
        with self._lock:
            self._kept = None


UNFINISHED = Unfinished()
"""This process's."""
devices.LET_GO.append(UNFINISHED.let_go)
