"""Four lanes of waiting jobs: short ones, the usual ones, parts of sweeps, and quiet ones, which nobody asked for. The last two
yield.

Invariant: a job taken from one lane is gone from all. Which lane a job waits in depends on who wants it, and as what: what the
server asks for by itself is quiet, and what a sweep asks for is a part of it, until a person wants it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from engine.jobs.fair_queue import FairQueue

Lane = Literal["short", "usual", "sweep", "quiet"]
SWEEP = "sweep/"
"""What the names of batches begin with that are sweeps."""
YIELDS_TO: dict[Lane, tuple[Lane, ...]] = {"sweep": ("usual",), "quiet": ("usual", "sweep")}
"""A running job of the one makes room when something waits in one of the others."""
IN_TURN: tuple[Lane, ...] = ("usual", "short", "sweep", "quiet")
"""Which lane a free worker turns to first. Short jobs do not wait for that: each report of a long job carries one out, its
very first, before it computes anything, included. So neither kind keeps the other from going on."""


class Lanes:
    """The jobs that wait. Not locked: its user holds a lock."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, FairQueue] = {lane: FairQueue() for lane in get_args(Lane)}
        self._known: list[str] | None = None  # the order, until something changes: everybody who waits asks for it

    def add(self, lane: Lane, owner: str, item: str, batch: str = "") -> None:
        """Put an item at the end of an owner's line in a lane (once)."""
        self._known = None
        self._lanes[lane].add(owner, item, batch)

    def take(self, lanes: Sequence[Lane] = IN_TURN) -> str | None:
        """The next item of the first of these lanes where one waits. None when none does."""
        for lane in lanes:
            if (item := self._lanes[lane].take()) is not None:
                self.remove(item)
                return item
        return None

    def remove(self, item: str, owner: str | None = None) -> None:
        """Take an item out of one owner's lines, or of all lines."""
        self._known = None
        for queue in self._lanes.values():
            queue.remove(item, owner)

    def waits(self, *lanes: Lane) -> int:
        """How many items wait in these lanes, each counted once."""
        return len({item for lane in lanes for item in self._lanes[lane].items()})

    def order(self) -> list[str]:
        """The items in the order in which they are likely to be carried out."""
        if self._known is None:
            self._known = [*dict.fromkeys(item for queue in self._lanes.values() for item in queue.order())]
        return self._known
