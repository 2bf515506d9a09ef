"""Carrying a sweep out: a few of its parts at a time are on their way, the others wait here.

Invariants: one process at a time works on a sweep; it is stopped by what stands on disk (`engine.sweeps.state`), whoever wrote
that; what is finished is in the store whenever the process ends, so that going on makes nothing twice.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from engine.core import config
from engine.core.address import Address
from engine.core.errors import Unavailable, VitrineError
from engine.jobs.progress import Snapshot
from engine.jobs.scheduler import Jobs
from engine.people.person import Person
from engine.sweeps import state
from engine.sweeps.carriers import Carrier, Queue, Ticket
from engine.sweeps.cost import cost_of
from engine.sweeps.parts import Part
from engine.sweeps.plan import plan
from engine.sweeps.state import Progress, Sweep

POLL_SECONDS = 0.5
STOPPING_SECONDS = 120.0
"""How long a step of a part may take that is to stop."""
SHOWN = 8
"""Units of a sweep that a page opens on."""
Tell = Callable[[Progress], None]


def run(sweep: Sweep, carrier: Carrier, tell: Tell = lambda progress: None) -> Progress:
    """Carry a sweep out in this thread until it is done, or is to stop; gives how far it came.

    Raises Unavailable where another process works on it or the cache could not hold it, and what `engine.sweeps.plan.plan`
    raises.
    """
    with config.store().lease(f"sweep.{sweep.id}") as mine:
        if not mine:
            raise Unavailable(f"Another Vitrine process works on the sweep {sweep.id} already.")
        return _Run(sweep, carrier, tell).carry_out()


def start(sweep: Sweep, jobs: Jobs, person: Person) -> threading.Thread:
    """The same on a thread of its own, in a server's queue. Raises Forbidden where this person may not compute."""
    person.require("member", "compute")

    def work() -> None:
        try:
            run(sweep, Queue(jobs, person, sweep.id))
        except VitrineError as problem:
            state.note(sweep.id, replace(sweep.progress, message=str(problem)))
            state.want(sweep.id, "paused")

    thread = threading.Thread(target=work, name=f"sweep-{sweep.id}", daemon=True)
    thread.start()
    return thread


class _Run:
    """One process's work on a sweep."""

    def __init__(self, sweep: Sweep, carrier: Carrier, tell: Tell) -> None:
        self._sweep, self._carrier, self._tell = sweep, carrier, tell
        self._plan = plan(sweep.request)
        cost_of(self._plan, measure=False).refuse()
        self._failed: dict[str, str] = {}
        self._open: dict[str, tuple[Part, Ticket]] = {}
        self._made, self._started = 0, time.monotonic()
        self._done = len(self._plan.there)
        part = next(iter(self._plan.parts.values()))
        self._first = str(Address(part.model, part.site, part.units[:SHOWN])) if part.units else ""

    def carry_out(self) -> Progress:
        waiting = deque(self._plan.missing.items())
        self._note("Starting")
        try:
            while (waiting or self._open) and self._goes_on():
                room = self._carrier.ahead - len(self._open)
                self._submit([waiting.popleft() for _ in range(min(room, len(waiting)))])
                time.sleep(POLL_SECONDS)
                self._look()
        finally:
            self._stop()
        return self._note("")

    def _goes_on(self) -> bool:
        return state.find(self._sweep.id).wanted == "on"

    def _submit(self, some: list[tuple[str, Part]]) -> None:
        if not some:
            return
        try:
            tickets = self._carrier.submit([part.request for _, part in some])
            self._open |= {key: (part, ticket) for (key, part), ticket in zip(some, tickets, strict=True)}
        except VitrineError as problem:
            self._failed |= dict.fromkeys((key for key, _ in some), str(problem))

    def _look(self) -> None:
        """See which parts ended, and tell how far one of the others is."""
        running: Snapshot | None = None
        for key, (part, ticket) in [*self._open.items()]:
            snapshot = ticket.snapshot()
            if snapshot.active:
                running = snapshot if snapshot.status == "running" else running
                continue
            del self._open[key]
            if snapshot.status == "done":
                self._done += 1
                self._made += part.pictures or 1
            else:
                self._failed[key] = snapshot.error or "It was cancelled."
        self._note(running.message if running else "Waiting for its turn")

    def _stop(self) -> None:
        """Stop what is on its way, and wait until it has stopped: what it finished until then is kept."""
        for _, ticket in self._open.values():
            ticket.cancel()
        end = time.monotonic() + STOPPING_SECONDS
        while any(ticket.snapshot().active for _, ticket in self._open.values()) and time.monotonic() < end:
            time.sleep(POLL_SECONDS)

    def _note(self, message: str) -> Progress:
        progress = Progress(
            process=config.store().mark.id,
            done=self._done,
            parts=len(self._plan.parts),
            pictures=self._plan.pictures,
            made=self._made,
            there=len(self._plan.there),
            seconds=time.monotonic() - self._started,
            message=message,
            first=self._first,
            failed=self._failed,
        )
        state.note(self._sweep.id, progress)
        self._tell(progress)
        return progress
