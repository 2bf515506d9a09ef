"""Whose turn is it: jobs waiting for a worker, one line for each owner, taken in turn.

Invariant: between two jobs of one owner, every other owner with a job waiting gets a turn; within an owner's line the
same holds for batches, and within a batch, first come, first served. So what somebody asks for while a long batch of
theirs is on does not wait for all of it. A job that several owners want stands in each of their lines and is taken once.
"""

from __future__ import annotations

_OWNERS_REMEMBERED = 1024


class FairQueue:
    """Items (keys of jobs) waiting in their owners' lines. Not locked: its user holds a lock."""

    def __init__(self) -> None:
        # Items (as a set that keeps its order) by batch by owner; the batch whose turn is next stands first.
        self._lines: dict[str, dict[str, dict[str, None]]] = {}
        self._turns: dict[str, int] = {}  # when each owner had the last turn (even) or, before any, came (odd)
        self._turn = 0

    def add(self, owner: str, item: str, batch: str = "") -> None:
        """Put an item at the end of a batch in an owner's line (once)."""
        # A newcomer goes before whoever had a turn just now, and behind all who wait for longer: nobody starves.
        self._turns.setdefault(owner, self._turn - 1)
        batches = self._lines.setdefault(owner, {})
        if not any(item in items for items in batches.values()):
            batches.setdefault(batch, {})[item] = None
        self._forget_somebody()

    def take(self) -> str | None:
        """The next item, gone from every line. None when empty."""
        if not self._lines:
            return None
        owner = min(self._lines, key=lambda name: self._turns.get(name, 0))
        self._turns.pop(owner, None)
        self._turn += 2
        self._turns[owner] = self._turn
        self._forget_somebody()
        batches = self._lines[owner]
        batch = next(iter(batches))
        batches[batch] = batches.pop(batch)  # to the end
        item = next(iter(batches[batch]))
        self.remove(item)
        return item

    def remove(self, item: str, owner: str | None = None) -> None:
        """Take an item out of one owner's line, or of all lines."""
        for name in [owner] if owner is not None else list(self._lines):
            batches = self._lines.get(name, {})
            for batch in [batch for batch, items in batches.items() if item in items]:
                del batches[batch][item]
                if not batches[batch]:
                    del batches[batch]
            if not batches:
                self._lines.pop(name, None)

    def _forget_somebody(self) -> None:
        """Where there are too many owners, the one who came first of those for whom nothing waits."""
        if len(self._turns) > _OWNERS_REMEMBERED:
            gone = next((name for name in self._turns if name not in self._lines), next(iter(self._turns)))
            del self._turns[gone]

    def items(self) -> set[str]:
        """All that wait, each once and in no order."""
        return {item for batches in self._lines.values() for items in batches.values() for item in items}

    def order(self) -> list[str]:
        """The items in the order in which they would be taken now."""
        rehearsal = FairQueue()
        rehearsal._lines = {
            owner: {batch: items.copy() for batch, items in batches.items()} for owner, batches in self._lines.items()
        }
        rehearsal._turns, rehearsal._turn = self._turns.copy(), self._turn
        return list(iter(rehearsal.take, None))
