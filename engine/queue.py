"""Whose turn is it: jobs waiting for a worker, one line for each owner, taken in turn.

Invariant: between two jobs of one owner, every other owner with a job waiting gets a turn; within an owner's line,
first come, first served. A job that several owners want stands in each of their lines and is taken once.
"""

from __future__ import annotations

from collections import OrderedDict

_OWNERS_REMEMBERED = 1024


class FairQueue:
    """Items (keys of jobs) waiting in their owners' lines. Not locked: its user holds a lock."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}
        self._turns: OrderedDict[str, None] = OrderedDict()  # owners, the one whose last turn is longest ago first

    def add(self, owner: str, item: str) -> None:
        """Put an item at the end of an owner's line (once)."""
        line = self._lines.setdefault(owner, [])
        if item not in line:
            line.append(item)

    def take(self) -> str | None:
        """The next item, gone from every line. None when empty."""
        if not self._lines:
            return None
        had_turns = {owner: place for place, owner in enumerate(self._turns, start=1)}
        owner = min(self._lines, key=lambda name: had_turns.get(name, 0))
        self._turns[owner] = None
        self._turns.move_to_end(owner)
        if len(self._turns) > _OWNERS_REMEMBERED:
            self._turns.popitem(last=False)
        item = self._lines[owner][0]
        self.remove(item)
        return item

    def remove(self, item: str, owner: str | None = None) -> None:
        """Take an item out of one owner's line, or of all lines."""
        for name in [owner] if owner is not None else list(self._lines):
            line = self._lines.get(name, [])
            if item in line:
                line.remove(item)
            if not line:
                self._lines.pop(name, None)

    def order(self) -> list[str]:
        """The items in the order in which they would be taken now."""
        rehearsal = FairQueue()
        rehearsal._lines = {owner: list(line) for owner, line in self._lines.items()}
        rehearsal._turns = self._turns.copy()
        return list(iter(rehearsal.take, None))
