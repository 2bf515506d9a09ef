"""This machine's devices, a process for each: two people's jobs run at once, and what ends a process costs one job.

Processes are started as programs of their own (nothing is forked, which CUDA does not survive) and are spoken to through pipes.
They keep results in the store of who started them. Invariants: a job whose process died is begun once more, and no third time; a
process that hears no cancelling, or works on one job for longer than it may, is killed; a new one takes its place, later where
none can be started now.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, cast

from cache.blob import DamagedBlob
from engine.core.errors import RefusedFile, Unavailable
from engine.jobs.executors.executor import Executor, Handle
from engine.jobs.executors.places import environment
from engine.jobs.executors.wire import checked, progress_of, read_message, write_message
from engine.jobs.executors.worker import ATTEMPTS, died_twice, finish, task_of, too_long
from engine.jobs.runner import Runner

log = logging.getLogger(__name__)

DEAF_SECONDS = 60.0
"""How long a cancelled job may go on before its process is killed."""
AGAIN_SECONDS = 60.0
"""How long until a process is started again whose like could not be, or ended before they were ready."""
POLL_SECONDS = 0.1
NOT_STARTED = "A worker process could not be started"
Message = tuple[Mapping[str, Any], bytes]


class Child:
    """One process, as seen from the one that started it."""

    def __init__(self, store: Any, device: str, threads: int) -> None:
        module = f"{__name__.rpartition('.')[0]}.child"
        command = [sys.executable, "-m", module, "--store", str(store.folder), "--limit", str(store.limit_bytes)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(device, threads)
        )
        self.ready = False
        self.trouble = ""
        self._messages: queue.Queue[Message | None] = queue.Queue()
        threading.Thread(target=self._listen, name="process", daemon=True).start()

    def _listen(self) -> None:
        stream = self.process.stdout
        with contextlib.suppress(ValueError, OSError):
            while stream is not None and (message := read_message(stream)) is not None:
                self._messages.put(message)
        self._messages.put(None)

    def send(self, header: Mapping[str, Any], payload: bytes = b"") -> None:
        """Tell it something; nothing where it is gone, which shows in what it says."""
        with contextlib.suppress(OSError, ValueError):
            if self.process.stdin is not None:
                write_message(self.process.stdin, header, payload)

    def next(self, seconds: float) -> Message | None:
        """Its next message, None where it says nothing for so long. Raises EOFError when it is gone."""
        try:
            message = self._messages.get(timeout=seconds)
        except queue.Empty:
            return None
        if message is None:
            raise EOFError
        return message

    def end(self, seconds: float = 5.0) -> str:
        """See to it that it has ended, and say how, in words."""
        with contextlib.suppress(OSError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if code >= 0:
            return f"exit code {code}"
        with contextlib.suppress(ValueError):
            return f"signal {-code}, {signal.Signals(-code).name}"
        return f"signal {-code}"


class Processes(Executor):
    """A process for each of these devices, which is used one request at a time."""

    name, passes = "local", True

    def __init__(self, runner: Runner, devices: Sequence[str], threads: int = 0, part_seconds: float = 0.0) -> None:
        super().__init__(runner)
        self.slots, self._part_seconds = len(devices), part_seconds
        self._changed = threading.Condition()
        self._waiting: deque[Handle] = deque()
        self._short: deque[Handle] = deque()
        self._closing = False
        for device in devices:  # one that is not there is told at once
            environment(device, threads)
        self._slots: list[Slot] = []
        self._slots += [Slot(self, device, threads, number) for number, device in enumerate(devices)]

    def _send(self, handles: Sequence[Handle]) -> None:
        with self._changed:
            if self._closing:
                raise Unavailable("Vitrine is shutting down and accepts no new jobs. Try again after the restart.")
            for handle in handles:
                (self._short if handle.request.lane == "short" else self._waiting).append(handle)
            self._changed.notify_all()

    def _stop(self, handle: Handle) -> None:
        with self._changed:
            for line in (self._waiting, self._short):
                if handle in line:
                    line.remove(handle)
                    handle.ends("cancelled")

    def again(self, handle: Handle, why: str) -> None:
        """A handle whose process died waits, before all others."""
        with self._changed:
            if self._closing or handle.cancelled:
                handle.ends("cancelled")
            if handle.ended:
                return
            handle.waits(why)
            self._waiting.appendleft(handle)
            self._changed.notify_all()

    def take(self, seconds: float, short: bool = False) -> Handle | None:
        """The next handle, or a short one; None where none comes for so long."""
        with self._changed:
            lines = (self._short,) if short else (self._waiting, self._short)
            self._changed.wait_for(lambda: self._closing or any(lines), seconds)
            line = next(filter(None, lines), None)
            return line.popleft() if line and not self._closing else None

    @property
    def closing(self) -> bool:
        return self._closing

    @property
    def part_seconds(self) -> float:
        """How long a request may take; 0: as long as it does."""
        return self._part_seconds

    def has_able(self) -> bool:
        """Whether a process can be started for any of its devices, as far as is known."""
        return not all(slot.unable for slot in self._slots)

    def pause(self, seconds: float) -> None:
        """Let this time pass, or what is left until it closes."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing, seconds)

    def close(self) -> None:
        with self._changed:
            self._closing = True
            for handle in [*self._waiting, *self._short]:
                handle.ends("cancelled")
            self._waiting.clear()
            self._short.clear()
            self._changed.notify_all()
        for slot in self._slots:
            slot.thread.join()


class Slot:
    """One device: the thread that speaks to its process, and starts another where that one died."""

    def __init__(self, owner: Processes, device: str, threads: int, number: int) -> None:
        self._owner, self._device, self._threads = owner, device, threads
        self._where = f"process {number + 1} ({device})"
        self.child: Child | None = None
        self._unable = 0
        self._trouble = ""
        self._having: dict[str, Handle] = {}
        self._began: dict[str, float] = {}
        self._told: dict[str, float] = {}
        self.thread = threading.Thread(target=self._serve, name=f"slot-{number}", daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        self._start()
        while not self._owner.closing:
            if self.unable and self._owner.has_able():  # each job would end here at once, and all that wait with it
                self._rest()
            elif (handle := self._owner.take(0.5)) is not None:
                self._carry(handle)
        if self.child is not None:
            self.child.end()

    def _start(self) -> Child | None:
        """Its process, a new one where there is none; None where none can be started now, and `_trouble` says why."""
        if self.child is None:
            try:
                self.child = Child(self._owner.runner.store, self._device, self._threads)
            except Exception as error:  # no memory, process, thread or file to be had, or another device than there was
                self._trouble = getattr(error, "strerror", None) or str(error)
                log.warning("The worker %s could not be started: %s", self._where, self._trouble)
        return self.child

    @property
    def unable(self) -> bool:
        """Whether its processes cannot be started, or end before they are ready."""
        return self._unable >= ATTEMPTS

    def _rest(self) -> None:
        """Look whether its process is ready now; one that ended as well is started again after a while."""
        if (child := self._start()) is None:
            self._owner.pause(AGAIN_SECONDS)
            return
        try:
            if (message := child.next(POLL_SECONDS)) is not None:
                self._hear(child, *message)
        except EOFError:
            self._owner.pause(AGAIN_SECONDS)
            self._died()

    def _carry(self, handle: Handle) -> None:
        """Have the process carry this one out, and short ones meanwhile."""
        if (child := self._start()) is None:
            self._put_off(handle)
            return
        try:
            self._give(child, handle)
            while self._having:
                self._look(child)
                if (message := child.next(POLL_SECONDS)) is not None:
                    self._hear(child, *message)
                if self._having and (short := self._owner.take(0, short=True)) is not None:
                    self._give(child, short)
        except EOFError:
            self._died()
        except Exception:
            log.exception("The worker %s had to be given up", self._where)
            child.process.kill()
            self._died()

    def _put_off(self, handle: Handle) -> None:
        """There is no process for this one. It waits for one, here or elsewhere, unless none could be started before either."""
        self._unable += 1
        if self.unable and not self._owner.has_able():
            handle.ends("failed", Unavailable(f"{NOT_STARTED}: {self._trouble}"))
            return
        self._owner.again(handle, f"{NOT_STARTED}, and it is tried again: {self._trouble}")
        self._owner.pause(AGAIN_SECONDS)

    def _give(self, child: Child, handle: Handle) -> None:
        if handle.cancelled:
            handle.ends("cancelled")
            return
        if (task := task_of(handle)) is None:
            return
        self._having[handle.key] = handle
        short = handle.request.lane == "short" and not handle.long
        child.send({"do": handle.key, "short": short, "long": handle.long}, task.as_text().encode())

    def _look(self, child: Child) -> None:
        """Pass on what was cancelled; kill a process that does not hear, or takes too long."""
        now = time.monotonic()
        for key, handle in [*self._having.items()]:
            if (handle.cancelled or self._owner.closing) and key not in self._told:
                child.send({"cancel": key})
                self._told[key] = now
            deaf = now - self._told.get(key, now) > (DEAF_SECONDS if not self._owner.closing else DEAF_SECONDS / 3)
            limit = self._owner.part_seconds
            if deaf or (limit and now - self._began.get(key, now) > limit):
                if not deaf:
                    handle.ends("failed", Unavailable(too_long(limit)))
                child.process.kill()

    def _hear(self, child: Child, header: Mapping[str, Any], payload: bytes) -> None:
        told, key = header.get("told"), str(header.get("key", ""))
        if told == "ready":
            child.ready, self._unable = True, 0
        elif told == "unable":
            child.trouble = str(header.get("error", ""))
        elif (handle := self._having.get(key)) is None:
            return
        elif told == "begins":
            self._began[key] = time.monotonic()
            handle.begins(self._where)
        elif told == "progress":
            with contextlib.suppress(DamagedBlob):
                handle.tells(progress_of(payload))
        elif told == "result":
            try:
                checked(str(header["place"]), payload)
                self._owner.runner.take_in(str(header["place"]), payload)
            except RefusedFile as error:
                handle.ends("failed", error)
        elif told == "ends":
            self._forget(key)
            if header.get("status") == "put back":  # a short one that takes longer than it seemed
                handle.long = True
                self._owner.again(handle, "")
            else:
                finish(handle, header)

    def _forget(self, key: str) -> None:
        for known in (self._having, self._began, self._told):
            known.pop(key, None)

    def _died(self) -> None:
        """The process is gone. What it had begins once more elsewhere."""
        child, self.child = cast(Child, self.child), None
        how = child.end()
        self._unable += not child.ready
        for key, handle in reversed([*self._having.items()]):
            begun = key in self._began
            handle.deaths += begun
            self._forget(key)
            if handle.ended:
                continue
            if handle.cancelled or self._owner.closing:
                handle.ends("cancelled")
            elif self.unable and not self._owner.has_able():
                why = child.trouble or f"it ended with {how}; the log says more"
                handle.ends("failed", Unavailable(f"{NOT_STARTED}: {why}"))
            elif handle.deaths >= ATTEMPTS:
                handle.ends("failed", Unavailable(died_twice(how)))
            elif not begun:
                self._owner.again(handle, "")
            else:
                log.warning("The worker %s ended (%s); its job begins once more", self._where, how)
                self._owner.again(handle, "The worker process ended; the job begins once more")
        if not self._owner.closing:
            self._start()
