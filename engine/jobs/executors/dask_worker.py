"""A worker of a Dask pool: `python -m engine.jobs.executors.dask_worker tcp://scheduler:8786`, one process for each device.

It computes one request at a time, keeps what it made in the cache folder of its own machine too, and answers what the one who
asked wants to know meanwhile. Invariants: what nobody asks about any more is given up, since whoever wanted it died; Vitrine
sends it the text of requests, and takes plain facts and the bytes of blobs back (Dask itself runs whatever somebody
sends who may connect: see docs/clusters.md); a process that ends is started again, until this one is told to end.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import io
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from engine.core import config
from engine.core.errors import BadRequest, PutBack, Unavailable
from engine.core.request import Progress
from engine.core.settings.cluster import Cluster
from engine.jobs.executors.executor import joined
from engine.jobs.executors.places import devices_of, environment, threads_of
from engine.jobs.executors.wire import Task, as_bytes, read_message, write_message
from engine.jobs.executors.worker import Box, Sparing, carry_out

log = logging.getLogger(__name__)

AGAIN_SECONDS = 2.0
ORPHAN_SECONDS = 30.0
"""How long a request is worked on that nobody asks about; whoever wants it asks five times a second."""
ASK = "vitrine"
"""The name of what these workers answer, beside what every worker of Dask does."""
MISSING = "Dask is not installed here. Run: pip install -r requirements-dask.txt"


def distributed() -> Any:
    """Dask's package. Raises Unavailable where it is not installed."""
    try:
        import distributed as package
    except ImportError:
        raise Unavailable(MISSING) from None
    return package


def security(chosen: Cluster) -> Any:
    """What encrypts and admits, as the settings say. Raises BadRequest where a file of the three is missing."""
    files = (chosen.dask_authority, chosen.dask_certificate, chosen.dask_key)
    package = distributed()
    if not any(files):
        return package.Security(require_encryption=chosen.dask_scheduler.startswith("tls"))
    if absent := [str(file) for file in files if file is None or not file.is_file()]:
        raise BadRequest(f"TLS needs dask_authority, dask_certificate and dask_key; this is no file: {absent[0]}.")
    authority, certificate, key = map(str, files)
    roles = {
        f"tls_{role}_{what}": file
        for role in ("client", "worker")
        for what, file in (("cert", certificate), ("key", key))
    }
    return package.Security(tls_ca_file=authority, require_encryption=True, **roles)


class Desk:
    """What this process is working on, for those who ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._news: dict[str, Progress | None] = {}
        self._cancelled: set[str] = set()
        self._asked: dict[str, float] = {}

    def compute(self, text: str) -> bytes:
        """Carry a request out; the results and how it ended, as messages."""
        task = Task.from_text(text)
        with self._lock:
            self._news[task.key], self._asked[task.key] = None, time.monotonic()
        box = Box(config.store())
        sparing = Sparing(lambda progress: self._tell(task.key, progress), lambda: self._is_stopped(task.key))
        ended = carry_out(task, box, sparing)
        if (found := box.get_bytes(str(ended.get("place", "")))) is not None:
            box.made[ended["place"]] = found  # also what was here already
        out = io.BytesIO()
        for place, data in box.made.items():
            write_message(out, {"place": place}, data)
        write_message(out, {"ended": ended})
        with self._lock:
            self._news.pop(task.key, None)
            self._asked.pop(task.key, None)
            self._cancelled.discard(task.key)
        if ended.get("broken"):
            threading.Timer(AGAIN_SECONDS, os._exit, (1,)).start()  # when the answer is on its way
        return out.getvalue()

    def _is_stopped(self, key: str) -> bool:
        """Whether it was cancelled. Raises PutBack where nobody asks about it any more."""
        if self._unasked(key):
            time.sleep(AGAIN_SECONDS)  # somebody may have asked while the step left no time to listen
            if self._unasked(key):
                raise PutBack("Nobody asks about it any more.")
        return key in self._cancelled

    def _unasked(self, key: str) -> bool:
        return time.monotonic() - self._asked[key] > ORPHAN_SECONDS

    def _tell(self, key: str, progress: Progress) -> None:
        with self._lock:
            self._news[key] = joined(self._news.get(key), progress)

    async def answer(self, ask: str = "", keys: Sequence[str] = ()) -> dict[str, Any]:
        """`hello`: what it is at; `news` of those of these keys that run here: what was reported since; `cancel` them; `end` this
        process."""
        if ask == "cancel":
            with self._lock:
                self._cancelled.update(set(keys) & self._news.keys())
        elif ask == "end":
            asyncio.get_running_loop().call_later(0.1, os._exit, 1)
        elif ask == "news":
            with self._lock:
                news = {key: self._news[key] for key in keys if key in self._news}
                self._news |= dict.fromkeys(news)
                self._asked |= dict.fromkeys(news, time.monotonic())
            return {key: b"" if progress is None else as_bytes(progress) for key, progress in news.items()}
        return {"vitrine": os.getpid(), "at": [*self._news]}


DESK = Desk()


def compute(text: str) -> bytes:
    """What Dask is asked to call: a request's text in, messages out."""
    return DESK.compute(text)


def unpacked(data: bytes) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The results by their places, and how it ended, of what `compute` gave."""
    stream, results = io.BytesIO(data), {}
    while (message := read_message(stream)) is not None:
        header, payload = message
        if "ended" in header:
            return results, dict(header["ended"])
        results[str(header["place"])] = payload
    return results, {"status": "failed", "error": "A worker's answer was cut off. Start it again."}


async def serve(address: str, name: str, chosen: Cluster) -> None:
    """Work for the scheduler at this address until it is gone."""
    package = distributed()
    worker = package.Worker(
        address,
        nthreads=1,
        name=name,
        resources={"GPU": 1},
        memory_limit=0,  # a limit would have it killed in the middle of a model
        dashboard=False,
        security=security(chosen.model_copy(update={"dask_scheduler": address})),
    )
    worker.handlers[ASK] = DESK.answer
    async with worker:
        await worker.finished()


def supervise(address: str, slots: Mapping[str, Mapping[str, str]]) -> int:
    """A process for each of these names, with its environment, started again whenever it ends, until we are told to end."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    module = [sys.executable, "-m", __name__, address, "--name"]
    running: dict[str, subprocess.Popen[bytes]] = {}
    pause = 0.0
    while not ending.wait(pause):
        pause = AGAIN_SECONDS
        for name, seen in slots.items():
            if name not in running or running[name].poll() is not None:
                try:
                    running[name] = subprocess.Popen([*module, name], env=dict(seen))
                except OSError as error:  # no room for it now, which is no reason to leave the others alone
                    log.warning("The worker %s could not be started: %s", name, error.strerror or error)
    for process in running.values():
        with suppress(OSError):
            process.terminate()
    end = time.monotonic() + 10
    for process in running.values():
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, end - time.monotonic()))
        process.kill()
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """One worker with a name, or, without one, those of this machine's devices."""
    parser = argparse.ArgumentParser(prog="vitrine worker", description=__doc__)
    parser.add_argument("address", help="of the scheduler, like tcp://host:8786")
    parser.add_argument("--name", help=argparse.SUPPRESS)
    parser.add_argument("--processes", type=int, default=None, help="default: one for each device")
    given = parser.parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="vitrine worker: %(message)s")
    chosen = config.settings().cluster
    if given.name:
        with suppress(KeyboardInterrupt):
            asyncio.run(serve(given.address, given.name, chosen))
        return 0
    distributed()
    wanted = chosen if given.processes is None else chosen.model_copy(update={"processes": given.processes})
    found = devices_of(wanted) or ["cpu"]
    threads = threads_of(len(found), found[0])
    host = os.uname().nodename if hasattr(os, "uname") else "worker"
    return supervise(
        given.address,
        {f"{host}-{number}-{os.getpid()}": environment(device, threads) for number, device in enumerate(found)},
    )


if __name__ == "__main__":  # under the name that others import it by, so that there is one desk
    sys.exit(importlib.import_module(f"{__package__}.dask_worker").main())
