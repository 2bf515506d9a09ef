"""Carrying a sweep out: a few of its parts at a time are on their way, the others wait here.

Invariants: one process at a time works on a sweep; it is stopped by what stands on disk (`engine.sweeps.state`), whoever wrote
that, and never by somebody else who wants it too; what is finished is in the store whenever the process ends, so that going on
makes nothing twice; a part that nobody could be found to carry out waits, and has not failed.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.core import config
from engine.core.address import Address
from engine.core.errors import Forbidden, Unavailable, VitrineError
from engine.jobs.executors.executor import Gone
from engine.jobs.progress import Snapshot
from engine.jobs.scheduler import Jobs
from engine.people import audit
from engine.people.person import Person
from engine.sweeps import state
from engine.sweeps.carriers import Carrier, Queue, Ticket
from engine.sweeps.cost import cost_of
from engine.sweeps.parts import Part
from engine.sweeps.plan import plan
from engine.sweeps.state import Progress, Sweep

POLL_SECONDS = 0.5
STOPPING, STOPPING_SECONDS = "Stopping", 120.0
"""What is said while parts stop, and how long a step of a part may take that is to stop."""
HEARD_SECONDS = 5.0
"""Whoever works on a sweep and is to stop says so, and has stopped after the last time that it was said, within this time."""
AGAIN_SECONDS = 10.0
"""How long parts wait that nobody took, before they are sent again."""
SHOWN = 8
"""Units of a sweep that a page opens on."""
Tell = Callable[[Progress], None]
_THREAD, _STARTING = "sweep-", threading.Lock()


class Busy(Unavailable):
    """Another process (or thread) works on the sweep, and goes on with it."""


def run(sweep: Sweep, carrier: Carrier, tell: Tell = lambda progress: None) -> Progress:
    """Carry a sweep out in this thread until it is done, or is to stop; gives how far it came. One that is just being stopped is
    waited for.

    Raises Busy where another process works on it, Unavailable where the cache could not hold it, and what
    `engine.sweeps.plan.plan` raises.
    """
    heard = time.monotonic()
    while True:
        with config.store().lease(f"sweep.{sweep.id}") as mine:
            now = state.find(sweep.id)
            if mine:
                return _Run(sweep, carrier, tell).carry_out() if now.wanted == "on" else now.progress
        if now.progress.message == STOPPING:
            heard = time.monotonic()
        elif time.monotonic() - heard > HEARD_SECONDS:
            raise Busy(f"Another Vitrine process works on the sweep {sweep.id} already.")
        time.sleep(POLL_SECONDS)


def start(sweep: Sweep, jobs: Jobs, person: Person) -> threading.Thread:
    """The same on a thread of its own, in a server's queue; nothing where somebody works on it already. Raises what
    `refuse_too_many` does."""

    def work() -> None:
        try:
            run(sweep, Queue(jobs, person, sweep.id))
        except Busy:
            return
        except VitrineError as problem:
            with contextlib.suppress(VitrineError):  # it may be gone
                state.note(sweep.id, replace(sweep.progress, message=str(problem)))
                state.want(sweep.id, "paused")

    thread = threading.Thread(target=work, name=f"{_THREAD}{sweep.id}", daemon=True)
    with _STARTING:  # of two that start at once the second counts the first
        refuse_too_many(sweep.id, person)
        if not sweep.worked_on or sweep.status == "failed":  # from now on it is, and what failed is tried again
            state.note(sweep.id, replace(sweep.progress, process=config.store().mark.id, failed={}))
        thread.start()
    audit.note(person, "sweep", "started", key=sweep.id)
    return thread


def refuse_too_many(id: str, person: Person) -> None:
    """Raise Forbidden where this person may not have this sweep on, and Unavailable where they have as many others on in this
    server as one may. Operators may have any number."""
    person.require("member", "compute")
    if person.is_at_least("operator"):
        return
    most = config.settings().sweeps_limit
    if not most:
        raise Forbidden("On this server only its operators start sweeps. Ask for pictures of single layers, in parts.")
    on = {thread.name.removeprefix(_THREAD) for thread in threading.enumerate() if thread.name.startswith(_THREAD)}
    mine = [other for other in on - {id} if _is_on(other, person)]
    if len(mine) >= most:
        raise Unavailable(
            f"You already have {len(mine)} of the {most} sweeps on that a person may have here. Wait until one is done, or pause "
            "one."
        )


def _is_on(id: str, person: Person) -> bool:
    """Whether a sweep is to go on for this person."""
    try:
        return state.find(id).wishes.get(person.id) == "on"
    except VitrineError:  # it was forgotten, and ends
        return False


class _Run:
    """One process's work on a sweep."""

    def __init__(self, sweep: Sweep, carrier: Carrier, tell: Tell) -> None:
        self._sweep, self._carrier, self._tell = sweep, carrier, tell
        self._plan = plan(sweep.request)
        cost_of(self._plan, measure=False).refuse()
        self._waiting = deque(self._plan.missing.items())
        self._open: dict[str, tuple[Part, Ticket]] = {}
        self._failed: dict[str, str] = {}
        self._again, self._why = 0.0, ""
        self._made, self._started = 0, time.monotonic()
        self._done = len(self._plan.there)
        part = next(iter(self._plan.parts.values()))
        self._first = str(Address(part.model, part.site, part.units[:SHOWN])) if part.units else ""

    def carry_out(self) -> Progress:
        self._note("Starting")
        try:
            while (self._waiting or self._open) and self._goes_on():
                self._send()
                time.sleep(POLL_SECONDS)
                self._look()
        finally:
            self._stop()
            last = self._note("")
        return last

    def _goes_on(self) -> bool:
        over = self._carrier.ends and not self._open
        return not over and state.find(self._sweep.id).wanted == "on"

    def _send(self) -> None:
        """Have as many carried out as the carrier takes now."""
        room = self._carrier.ahead - len(self._open) if time.monotonic() >= self._again else 0
        some = [self._waiting.popleft() for _ in range(min(room, len(self._waiting)))]
        if not some:
            return
        try:
            tickets = self._carrier.submit([part.request for _, part in some])
            self._open |= {key: (part, ticket) for (key, part), ticket in zip(some, tickets, strict=True)}
        except VitrineError as problem:
            if isinstance(problem, Gone) or self._carrier.ends:
                self._put_back(some, str(problem))
            else:
                self._failed |= dict.fromkeys((key for key, _ in some), str(problem))

    def _put_back(self, some: Sequence[tuple[str, Part]], why: str) -> None:
        """Nobody took these; they wait, before all others."""
        self._waiting.extendleft(reversed(some))
        self._again, self._why = time.monotonic() + AGAIN_SECONDS, why

    def _look(self) -> None:
        """See which parts ended, and tell how far one of the others is, or why they wait."""
        running: Snapshot | None = None
        waits = ""
        back = list[tuple[str, Part]]()
        for key, (part, ticket) in [*self._open.items()]:
            snapshot = ticket.snapshot()
            if snapshot.status == "running":
                running = snapshot
            elif snapshot.active:
                waits = waits or snapshot.message
            else:
                del self._open[key]
                if snapshot.status != "done" and ticket.unheard:
                    back.append((key, part))
                    waits = snapshot.error or ""
                else:
                    self._ended(key, part, snapshot)
        if back:
            self._put_back(back, waits)
        elif running:
            self._why = ""
        self._note(running.message if running else waits or self._why or "Waiting for its turn")

    def _ended(self, key: str, part: Part, snapshot: Snapshot) -> None:
        if snapshot.status == "done":
            self._done += 1
            self._made += part.pictures or 1
        else:
            self._failed[key] = snapshot.error or "It was cancelled."

    def _stop(self) -> None:
        """Stop what is on its way, and wait until it has stopped: what it finished until then is kept."""
        if self._open:
            self._note(STOPPING)
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
