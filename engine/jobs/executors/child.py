"""The other side of `processes`: a process of this machine that carries requests out, one at a time, on one device.

It reads messages from standard input and answers on standard output: text in, text and the bytes of blobs out. Short requests
pass the long one that runs, as in the server itself. Invariants: it ends when who started it is gone, however that happened;
after an error that leaves a GPU unusable it ends too, so that such an error costs one job.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import IO, Any

from cache.store import ResultStore
from engine.core import devices
from engine.core.errors import PutBack
from engine.core.request import Progress, Request, Result, one_request
from engine.jobs.executors.wire import Task, as_bytes, read_message, write_message
from engine.jobs.executors.worker import Box, Sparing, broken, ended_with, understood
from engine.jobs.progress import Status
from engine.jobs.records import Job, Record
from engine.jobs.runner import Begins, Reporter, Runner
from engine.jobs.workers import Workers

log = logging.getLogger(__name__)

LONGEST_STEP = 3600.0
ORPHAN_SECONDS = 20.0
"""How long a step may still take when who started this process is gone."""


class Inbox:
    """What the worker of this process knows of the jobs (see `engine.jobs.workers.Line`): messages in, messages out."""

    def __init__(self, out: IO[bytes], box: Box) -> None:
        self._out, self._box = out, box
        self._writing = threading.Lock()
        self._changed = threading.Condition()
        self._waiting: deque[Task] = deque()
        self._long: set[str] = set()
        self._short: deque[Task] = deque()
        self._cancelled: set[str] = set()
        self._sparing: dict[str, Sparing] = {}
        self._closing = False

    def listen(self, stream: IO[bytes]) -> None:
        """Take messages in until there are no more."""
        while (message := read_message(stream)) is not None:
            header, payload = message
            with self._changed:
                if "cancel" in header:
                    self._cancelled.add(str(header["cancel"]))
                else:
                    task = Task.from_text(payload.decode())
                    self._cancelled.discard(task.key)
                    (self._long.add if header.get("long") else self._long.discard)(task.key)
                    (self._short if header.get("short") else self._waiting).append(task)
                self._changed.notify_all()
        self.close()
        time.sleep(ORPHAN_SECONDS)
        os._exit(1)

    def close(self) -> None:
        """Carry out no more; what runs stops at its next report."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until no more are to be carried out."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing)

    def send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        """Tell who started this process."""
        try:
            with self._writing:
                write_message(self._out, header, payload)
        except OSError:  # nobody is there any more
            self.close()

    # What the worker asks

    def take(self) -> Record | None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._waiting or self._short)
                if self._closing:
                    return None
                task = (self._waiting or self._short).popleft()
            if (record := self._begun(task)) is not None:
                return record

    def take_short(self) -> Record | None:
        with self._changed:
            task = self._short.popleft() if self._short and not self._closing else None
        return self._begun(task) if task is not None else None

    def _begun(self, task: Task) -> Record | None:
        """The job of a task, which has begun; None where it cannot be carried out here, which was said then."""
        self.send({"key": task.key, "told": "begins"})
        try:
            with one_request():
                record = Record(Job(task.key, understood(task)), {"": ""}, "running", long=task.key in self._long)
        except Exception as problem:
            self.send({"key": task.key, "told": "ends", **ended_with(problem, None)})
            return None
        self._sparing[task.key] = Sparing(
            lambda progress: self.send({"key": task.key, "told": "progress"}, as_bytes(progress)),
            lambda: self._closing or task.key in self._cancelled,
        )
        return record

    def report(self, record: Record, progress: Progress | None, waits: bool = False, long: bool = False) -> None:
        self._sparing[record.job.id](progress)

    def begins(self, record: Record, request: Request, waits: bool) -> None:
        if record.lane == "short" and (waits or request.lane != "short"):
            raise PutBack("This takes longer than it seemed.")

    def put_back(self, record: Record) -> None:
        self._ends(record, {"status": "put back"})

    def end(self, record: Record, status: Status, error: str | None = None) -> None:
        self._ends(record, {"status": status, "error": error})

    def _ends(self, record: Record, facts: dict[str, Any]) -> None:
        sparing = self._sparing.pop(record.job.id, None)
        if sparing is None:  # it had ended before
            return
        sparing.flush()
        for place, data in [*self._box.made.items()]:  # what could not be stored
            self.send({"key": record.job.id, "told": "result", "place": place}, data)
            del self._box.made[place]
        self.send({"key": record.job.id, "told": "ends", **facts})


class Careful:
    """A runner that notes when the device is of no use any more."""

    def __init__(self, runner: Runner, inbox: Inbox) -> None:
        self._runner, self._inbox = runner, inbox

    def fetch(self, request: Request, report: Reporter, begins: Begins) -> Result:
        try:
            return self._runner.fetch(request, report, begins)
        except Exception as error:
            if broken(error):
                log.error("The device cannot be used any more; this process ends, and another begins.")
                self._inbox.close()
            raise


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out what is asked for on standard input, until that ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", required=True)
    parser.add_argument("--limit", type=int, required=True)
    chosen = parser.parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="vitrine worker: %(message)s")
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints goes to the log
    store = ResultStore(chosen.store, chosen.limit)
    box = Box(store, every=False)
    inbox = Inbox(out, box)
    try:
        device = devices.describe(devices.pick())["name"]
    except Exception as error:
        inbox.send({"told": "unable", "error": str(error)})
        return 1
    threading.Thread(target=inbox.listen, args=(sys.stdin.buffer,), name="listen", daemon=True).start()
    inbox.send({"told": "ready", "device": device, "process": os.getpid()})
    workers = Workers(inbox, Careful(Runner(box), inbox), 1)  # type: ignore[arg-type]
    inbox.wait()
    workers.join(LONGEST_STEP)
    store.close()
    with contextlib.suppress(OSError):  # nobody reads any more
        out.close()
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # the thread that listens may be inside a read, which Python does not wait for in peace
