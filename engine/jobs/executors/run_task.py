"""One job of a cluster: requests of a run, one after the other, each result a file in the job's own folder.

What submitit is given is the name of a folder and of a job; everything else is on disk. Invariants: a job that is stopped at
any moment and begun again computes nothing twice that was finished, pictures along the way included; one request that fails, or
takes too long, does not keep the others from being carried out; nothing is raised, and nothing that comes back is unpickled.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import platform
import signal
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from cache.blob import Blob, DamagedBlob
from engine.core.request import Progress
from engine.jobs.executors.run_folder import PLACE, RunFolder, names, read, write_whole
from engine.jobs.executors.wire import Task, as_bytes
from engine.jobs.executors.worker import Sparing, carry_out, too_long

log = logging.getLogger(__name__)

REPORT_SECONDS = 0.5
CANCELLED_SECONDS = 1.0
"""How often a job looks whether a request of it is still wanted."""
BEAT_SECONDS, STALE_SECONDS = 10.0, 60.0


class FolderStore:
    """Results as files in one folder of ours; those of others are read, and what several parts build on is put where all find
    it. It is what a runner takes for a store (see `engine.jobs.runner.Keeps`)."""

    def __init__(self, run: RunFolder, own: Path, others: Sequence[Path], keys: set[str]) -> None:
        self._run, self._own, self._keys = run, own, keys
        self._folders = (own, run.path / "shared", *others)
        self._leased: set[str] = set()

    def get(self, key: str) -> Blob | None:
        if not PLACE.fullmatch(key):
            return None
        for folder in self._folders:
            if (data := read(folder / f"{key}.blob")) is not None:
                try:
                    return Blob.from_bytes(data)
                except DamagedBlob as error:
                    self.report(f"The result {key} in {folder} is damaged and is computed again: {error}")
        return None

    def known(self, keys: Sequence[str]) -> Collection[str]:
        """Any of them may be here."""
        return keys

    def put(self, key: str, blob: Blob) -> None:
        self.put_bytes(key, blob.to_bytes())

    def put_bytes(self, key: str, data: bytes, request: Any = None) -> None:
        """Raises OSError where the disk cannot be written: then it is better to fail than to compute for nothing."""
        if not PLACE.fullmatch(key):
            raise ValueError(f"“{key[:40]}” is not a key of a result.")
        write_whole(self._own / f"{key}.blob", data)
        if key in self._leased and key.partition(".")[0] not in self._keys:
            write_whole(self._run.path / "shared" / f"{key}.blob", data)

    @contextlib.contextmanager
    def lease(self, key: str, seconds: float = STALE_SECONDS) -> Iterator[bool]:
        """Be the one job that computes this; False while another is at it."""
        path = self._run.path / "leases" / key
        if not _take(path):
            yield False
            return
        self._leased.add(key)
        done = threading.Event()
        heart = threading.Thread(target=_beat, args=(path, done), name="lease", daemon=True)
        heart.start()
        try:
            yield True
        finally:
            done.set()
            heart.join()
            path.unlink(missing_ok=True)

    def report(self, text: str) -> None:
        log.warning("%s", text)


def _take(path: Path) -> bool:
    """Create the file of a lease, unless somebody has it who is alive, as far as that can be known."""
    mine = json.dumps([platform.node(), os.getpid()]).encode()
    for _ in range(2):
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            if not _is_stale(path):
                return False
            path.unlink(missing_ok=True)
            continue
        os.write(descriptor, mine)
        os.close(descriptor)
        return True
    return False


def _is_stale(path: Path) -> bool:
    """Whether the holder of a lease is gone: a process of this machine that does not exist, or one that was not heard of."""
    try:
        if _is_dead(path.read_bytes()):
            return True
        probe = path.with_name(f".{path.name}.{os.getpid()}")  # the disk's clock may differ from ours
        probe.write_bytes(b"")
        now = probe.stat().st_mtime
        probe.unlink()
        return now - path.stat().st_mtime > STALE_SECONDS
    except OSError:
        return False  # just given up


def _is_dead(holder: bytes) -> bool:
    """Whether it is known that who holds a lease is gone. A process of that number may be another one by now, and a file may
    have been left empty: then only its age tells."""
    try:
        host, process = json.loads(holder)
        if host != platform.node():
            return False
        os.kill(int(process), 0)
        return int(process) == os.getpid()
    except ProcessLookupError:
        return True
    except (OSError, ValueError, TypeError):
        return False


def _beat(path: Path, done: threading.Event) -> None:
    while not done.wait(BEAT_SECONDS):
        with contextlib.suppress(OSError):
            os.utime(path)


class ClusterTask:
    """What submitit calls on a node. It is pickled by submitit, so it is two texts and a number."""

    def __init__(self, run: str, task: str, part_seconds: float = 0.0) -> None:
        self.run, self.task, self.part_seconds = run, task, part_seconds

    def __call__(self) -> str:
        work(RunFolder(Path(self.run)), self.task, self.part_seconds)
        return "What came out is in the folder of the run."

    def checkpoint(self) -> Any:
        """At a preemption or near the time limit: the same again, which goes on with what is on disk. Another signal while this
        one is answered, or a file that an earlier answer left, would make submitit give the job up: neither may be there."""
        from submitit.core.job_environment import JobEnvironment
        from submitit.helpers import DelayedSubmission

        signal.signal(JobEnvironment._usr_sig(), signal.SIG_IGN)
        with contextlib.suppress(Exception):
            sent = JobEnvironment().paths.submitted_pickle
            sent.with_name(f"{sent.name}.save_tmp").unlink(missing_ok=True)
        return DelayedSubmission(self)


def work(run: RunFolder, name: str, part_seconds: float = 0.0) -> None:
    """Carry out what is left of a job's requests."""
    own = run.path / "tasks" / name
    tasks = run.parts_of(own)
    others = [path / "results" for path in run.tasks() if path != own]
    store = FolderStore(run, own / "results", others, {task.key for task in tasks})
    for task in tasks:
        if f"{task.key}.json" in names(own / "ended"):
            continue
        if run.is_cancelled(task.key):
            _ends(own, task, {"status": "cancelled"})
            continue
        _one(run, own, task, store, part_seconds)


def _one(run: RunFolder, own: Path, task: Task, store: FolderStore, part_seconds: float) -> None:
    with open(own / "began" / task.key, "a", encoding="utf-8") as began:
        began.write(f"{platform.node()} {os.getpid()}\n")
    looked = [time.monotonic(), False]

    def stopped() -> bool:
        if not looked[1] and time.monotonic() - looked[0] > CANCELLED_SECONDS:
            looked[:] = [time.monotonic(), run.is_cancelled(task.key)]
        return bool(looked[1])

    def tell(progress: Progress) -> None:
        with contextlib.suppress(OSError):
            write_whole(own / "now" / task.key, as_bytes(progress))

    done = threading.Event()
    threading.Thread(target=_watch, args=(own, task, part_seconds, done), name="watch", daemon=True).start()
    sparing = Sparing(tell, stopped, REPORT_SECONDS)
    ended = carry_out(task, store, sparing)
    sparing.flush()
    done.set()
    _ends(own, task, ended)
    if ended.get("broken"):
        log.error("The device cannot be used any more; the requests that are left are begun again in another job.")
        os._exit(1)


def _ends(own: Path, task: Task, facts: dict[str, Any]) -> None:
    write_whole(own / "ended" / f"{task.key}.json", json.dumps(facts).encode())


def _watch(own: Path, task: Task, seconds: float, done: threading.Event) -> None:
    """Show that we are alive. A request that takes too long ends its job; what is left of that is begun again in another."""
    end = time.monotonic() + seconds
    while not done.wait(min(BEAT_SECONDS, seconds or BEAT_SECONDS)):
        with contextlib.suppress(OSError):
            (own / "now" / task.key).touch()
        if seconds and time.monotonic() > end:
            _ends(own, task, {"status": "failed", "error": too_long(seconds)})
            os._exit(1)
