"""Threads of the queue that have an executor carry jobs out, and pass on what it says: as many jobs as it works on at once.

Invariants: a job that is cancelled, or makes room, is stopped at the executor too; one that only this process gives up, since it
ends, goes on where it can be taken up again; where nobody answers, jobs wait or are computed here, as the settings say, and
people read why; short jobs do not wait for long ones.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import partial

from engine.core import config
from engine.core.errors import Cancelled
from engine.core.request import Progress, Request
from engine.jobs.executors.choose import open_executor
from engine.jobs.executors.executor import Executor, Gone, Handle, Unshared
from engine.jobs.executors.places import devices_of
from engine.jobs.executors.worker import Lacks
from engine.jobs.lanes import Lane
from engine.jobs.records import Record
from engine.jobs.runner import Runner
from engine.jobs.workers import Carriers, Line, ShuttingDown, Workers, settle

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
AGAIN_SECONDS = 5.0
"""How long to wait before a scheduler that did not answer is asked again."""


class Relays:
    """What `engine.jobs.workers.Workers` is to the queue, with the work done by an executor.

    Short jobs are computed in this process where they would have to wait for a machine elsewhere. `otherwise_here`: so is what
    the executor cannot do: where nobody answers, or a worker lacks something.
    """

    def __init__(self, line: Line, runner: Runner, executor: Executor, *, otherwise_here: bool = False) -> None:
        self._line, self._runner, self._executor = line, runner, executor
        self._otherwise_here = otherwise_here
        self._computing = threading.Lock()  # one job at a time in this process
        self._changed = threading.Condition()
        self._busy: set[threading.Thread] = set()
        self._dispatcher = threading.Thread(target=self._dispatch, name="relays", daemon=True)
        self._dispatcher.start()

    @property
    def slots(self) -> int:
        """How many jobs are carried out at once, as far as is known now."""
        return self._executor.slots

    def refuse(self, request: Request) -> None:
        """Raises Unshared for what needs an upload that workers do not see, where it would not be computed here."""
        if not self._otherwise_here and not self._is_for_here(request.lane):
            self._executor.refuse(request)

    def join(self, timeout: float) -> None:
        """Wait until each thread has ended, and let the executor go."""
        end = time.monotonic() + timeout
        self._dispatcher.join(timeout)
        with self._changed:
            self._changed.wait_for(lambda: not self._busy, max(0.0, end - time.monotonic()))
        self._executor.close()

    def _dispatch(self) -> None:
        """A thread for each job, as many as the executor works on at once; that number may change."""
        while True:
            with self._changed:
                while len(self._busy) >= self._executor.slots:
                    self._changed.wait(1.0)
            if (record := self._line.take()) is None:
                return
            thread = threading.Thread(target=self._relay, args=(record,), name="relay", daemon=True)
            with self._changed:
                self._busy.add(thread)
            if not _begins(thread):
                with self._changed:
                    self._busy.discard(thread)
                self._one(record)

    def _relay(self, record: Record) -> None:
        self._one(record)
        with self._changed:
            self._busy.discard(threading.current_thread())
            self._changed.notify_all()

    def _one(self, record: Record) -> None:
        settle(self._line, record, lambda: self._carry_out(record))

    def _carry_out(self, record: Record) -> None:
        if self._is_for_here(record.lane):
            self._here(record)
            return
        while True:
            try:
                if self._watch(record, self._executor.submit(record.job.request)):
                    return
                continue
            except (Lacks, Unshared):
                if not self._otherwise_here:
                    raise
            except Gone as error:
                if not self._otherwise_here:
                    self._wait_for(record, error)
                    continue
                log.warning("%s Computing here.", error)
            self._here(record)
            return

    def _is_for_here(self, lane: Lane) -> bool:
        """Whether a job of this lane is computed in this process, since it would wait too long elsewhere."""
        return lane == "short" and not self._executor.passes

    def _watch(self, record: Record, handle: Handle) -> bool:
        """Pass on what a handle says until it ends; False where it was one that had been cancelled before it was asked for
        again. Raises what it ended with, Cancelled and PutBack as the queue says."""
        passing: threading.Thread | None = None
        try:
            while not handle.wait(POLL_SECONDS):
                snapshot = handle.snapshot()
                waits = snapshot.status == "queued"
                why = Progress(0, 0, snapshot.message) if waits and snapshot.message else None
                self._line.report(record, handle.news() or why, waits, handle.long)
                if record.lane != "short" and (passing is None or not passing.is_alive()):
                    passing = self._let_pass()
        except Cancelled as why:
            if isinstance(why, ShuttingDown) and self._executor.outlives:
                raise
            handle.cancel()
            handle.wait()
            if handle.status == "done":  # it was done meanwhile
                return True
            raise
        if (news := handle.news()) is not None:
            self._line.report(record, news)
        if handle.status == "cancelled":
            self._line.report(record, None)  # raises where it is this job that is to stop
            if not handle.cancelled:
                raise Cancelled("The job was cancelled where it was to be carried out.")
            return False
        if handle.error is not None:
            raise handle.error
        return True

    def _let_pass(self) -> threading.Thread | None:
        """Begin with a short job, if one waits."""
        short = self._line.take_short()
        if short is None:
            return None
        passing = threading.Thread(target=self._one, args=(short,), name="short", daemon=True)
        if _begins(passing):
            return passing
        self._one(short)
        return None

    def _here(self, record: Record) -> None:
        """Compute a job in this process."""
        while not self._computing.acquire(timeout=POLL_SECONDS):
            self._line.report(record, None, waits=True)
        try:
            self._runner.fetch(
                record.job.request, partial(self._line.report, record), partial(self._line.begins, record)
            )
        finally:
            self._computing.release()

    def _wait_for(self, record: Record, error: Gone) -> None:
        end = time.monotonic() + AGAIN_SECONDS
        while time.monotonic() < end:
            self._line.report(record, Progress(0, 0, str(error)), waits=True)
            time.sleep(POLL_SECONDS)


def carriers(line: Line, runner: Runner, executor: str = "", processes: int | None = None) -> Carriers:
    """Who carries jobs out: this executor, with so many processes where it is local (default: as the settings say); one thread
    of this process where that is all there is to use. Raises BadRequest for settings that lack something."""
    chosen = config.settings().cluster
    if processes is not None:
        chosen = chosen.model_copy(update={"processes": processes})
    name = executor or chosen.executor
    if name == "local" and not devices_of(chosen):
        return Workers(line, runner, 1)
    return Relays(line, runner, open_executor(runner, name, chosen), otherwise_here=chosen.otherwise == "here")


def _begins(thread: threading.Thread) -> bool:
    """Start a thread; False where the system has none left, so that whoever asked does its work itself."""
    try:
        thread.start()
    except RuntimeError as error:
        log.warning("No further thread can be started: %s.", error)
        return False
    return True
