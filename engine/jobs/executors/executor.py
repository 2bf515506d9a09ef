"""What every executor is: something that takes requests, and gives a handle on each that says how it goes.

Invariants: a handle is `done` only after its result was checked and stored, so that whoever sees it done finds it; a handle that
ended never changes; what an experiment raises, and a worker that dies, end one handle and nothing else.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from engine.core import config
from engine.core.errors import Cancelled, Unavailable, VitrineError
from engine.core.request import Progress, Request, Result
from engine.jobs.progress import Meter, Snapshot, Status
from engine.jobs.runner import Runner

ENDED: tuple[Status, ...] = ("done", "failed", "cancelled")


class Gone(Unavailable):
    """Nobody answers where requests are sent to: the scheduler of a pool, or the command that takes jobs."""


class Unshared(Unavailable):
    """A request names an upload that workers elsewhere do not see."""


def _nothing(handle: Handle) -> None:
    """Its executor asks it now and then."""


class Handle:
    """One request on its way, as the one who asked for it sees it. Used from any thread."""

    def __init__(
        self, request: Request, key: str, find: Callable[[], Result | None], stop: Callable[[Handle], None] = _nothing
    ) -> None:
        self.request, self.key = request, key
        self.attempts = 0
        """How often a worker began with it."""
        self.deaths = 0
        """How many workers died at it."""
        self.lacked: set[str] = set()
        """Which workers lack something for it."""
        self.where = ""
        """Which worker has it, in words."""
        self.long = False
        """Whether a short one turned out to take longer."""
        self._find, self._stop = find, stop
        self._changed = threading.Condition()
        self._status: Status = "queued"
        self._error: VitrineError | None = None
        self._meter = Meter()
        self._news: Progress | None = None
        self._started: float | None = None
        self._finished: float | None = None
        self._cancelled = False

    # What the one who asked may do

    @property
    def status(self) -> Status:
        return self._status

    @property
    def ended(self) -> bool:
        return self._status in ENDED

    @property
    def error(self) -> VitrineError | None:
        """Why it failed, in one sentence."""
        return self._error

    @property
    def cancelled(self) -> bool:
        """Whether it is to be stopped, which takes as long as a step of it."""
        return self._cancelled

    def cancel(self) -> None:
        """Stop it: at once where it waits, at its next report where it runs."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()
        self._stop(self)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it ends (or `timeout` seconds); whether it has ended."""
        with self._changed:
            return self._changed.wait_for(lambda: self.ended, timeout)

    def result(self) -> Result:
        """The result, from the store. Raises what went wrong (VitrineError, Cancelled), Unavailable while it is not there."""
        if self._status == "done" and (there := self._find()) is not None:
            return there
        if self._error is not None:
            raise self._error
        if self._status == "cancelled":
            raise Cancelled("The job was cancelled.")
        raise Unavailable("This result is not there (any more). Compute it again.")

    def news(self) -> Progress | None:
        """What it reported since this was asked last, as one report; None when nothing. For one reader."""
        with self._changed:
            news, self._news = self._news, None
            return news

    def snapshot(self) -> Snapshot:
        """How it stands, in the form in which jobs say it."""
        with self._changed:
            latest, running = self._meter.latest, self._status == "running"
            return Snapshot(
                status=self._status,
                step=latest.step,
                total=latest.total,
                message="Stopping" if running and self._cancelled else latest.message,
                preview=self._meter.preview,
                preview_seq=self._meter.preview_seq,
                curve=latest.curve,
                error=str(self._error) if self._error else None,
                started=self._started,
                finished=self._finished,
                eta=self._meter.eta() if running else None,
                made=self._meter.made.copy() if running else {},
                kept=self._meter.kept,
            )

    # What its executor says

    def begins(self, where: str) -> None:
        """A worker has it."""
        with self._changed:
            if not self.ended:
                self._status, self.where, self._started = "running", where, time.time()
                self.attempts += 1
                self._changed.notify_all()

    def waits(self, message: str = "") -> None:
        """It waits (again), and this is why."""
        with self._changed:
            if not self.ended:
                self._status, self._meter = "queued", Meter(latest=Progress(0, 0, message))
                self._changed.notify_all()

    def tells(self, progress: Progress) -> None:
        """Its worker reported."""
        with self._changed:
            if not self.ended:
                self._meter.update(progress)
                self._news = joined(self._news, progress)
                self._changed.notify_all()

    def ends(self, status: Status, error: VitrineError | None = None) -> None:
        """It ended so; nothing where it had ended before."""
        with self._changed:
            if not self.ended:
                self._status, self._error, self._finished = status, error, time.time()
                self._changed.notify_all()


def joined(earlier: Progress | None, later: Progress) -> Progress:
    """Two reports as one: how far the later one is, with all pictures of both; finished ones stay as they were."""
    if earlier is None:
        return later
    finished = {name: made for name, made in earlier.made.items() if made.activation is not None}
    return replace(later, preview=later.preview or earlier.preview, made={**earlier.made, **later.made, **finished})


class Executor(ABC):
    """Carries requests out somewhere; results come to stand in its runner's store."""

    name: ClassVar[str]
    """What the settings and the command line call it."""
    slots: int = 1
    """How many requests it works on at once, as far as it knows."""
    passes: ClassVar[bool] = False
    """Whether short requests pass long ones that run."""
    elsewhere: ClassVar[bool] = False
    """Whether its workers may be on other machines, which do not see the cache folder of this one."""
    outlives: bool = False
    """Whether what was sent goes on when this process ends, and is taken up again by who asks for the same after that."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self._handles: dict[str, Handle] = {}
        self._asking = threading.Lock()

    def submit(self, request: Request) -> Handle:
        """Have a request carried out. One whose result is stored is done at once; the same one asked for again while it waits
        or runs gives the same handle. Raises VitrineError when it cannot be keyed, Unshared as `refuse` does, Gone when nobody
        takes it."""
        return self.submit_all([request])[0]

    def submit_all(self, requests: Sequence[Request]) -> list[Handle]:
        """Have many carried out, begun in this order; a handle for each (see `submit`)."""
        wanted = [(request, request.key()) for request in requests]
        with self._asking:
            self._handles = {key: handle for key, handle in self._handles.items() if not handle.ended}
            found = [(self._handles.get(key) or self._new(request, key)) for request, key in wanted]
            fresh = {handle.key: handle for handle in found if handle.key not in self._handles and not handle.ended}
            for handle in fresh.values():
                self.refuse(handle.request)
            handles = [fresh.get(handle.key, handle) for handle in found]
            self._handles |= fresh
            try:
                self._send([*fresh.values()])
            except BaseException:
                for key in fresh:
                    self._handles.pop(key, None)
                raise
        return handles

    def refuse(self, request: Request) -> None:
        """Raises Unshared for what needs an upload that its workers do not see."""
        if self.elsewhere and request.uploads and config.settings().cluster.uploads_folder is None:
            raise Unshared(
                f"{request.uploads[0]} was uploaded to this server alone, and the workers that compute here (executor = "
                f"'{self.name}') do not see it: let uploads_folder in vitrine.toml be a folder that all of them share, or let "
                "executor be 'local'."
            )

    def _new(self, request: Request, key: str) -> Handle:
        handle = Handle(request, key, partial(self.runner.find, key), self._stop)
        if self.runner.find(key) is not None:
            handle.ends("done")
        return handle

    @abstractmethod
    def _send(self, handles: Sequence[Handle]) -> None:
        """Have these carried out. Raises Gone."""

    @abstractmethod
    def _stop(self, handle: Handle) -> None:
        """This one was cancelled. Not to wait for anything."""

    @abstractmethod
    def close(self) -> None:
        """Take no more. What runs in this process or its children is stopped; what runs on other machines goes on where it
        can be taken up again (SLURM), and is cancelled where it cannot."""
