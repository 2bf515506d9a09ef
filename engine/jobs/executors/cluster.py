"""A SLURM cluster: requests become an array of jobs, and what comes of them is taken from the disk that all share.

Invariants: what is asked for while a run of before has it joins that run, also after this machine was restarted; parts whose job
got lost are sent once more by themselves, those that failed when somebody says so; one part that went wrong loses no other.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cache.blob import DamagedBlob
from engine.core import config
from engine.core.errors import BadRequest, RefusedFile, Unavailable, VitrineError
from engine.core.settings.cluster import Cluster
from engine.jobs.executors import sending
from engine.jobs.executors.collecting import collect, fail_missing, gone, left, take_part
from engine.jobs.executors.executor import Executor, Gone, Handle
from engine.jobs.executors.run_folder import Part, RunFolder
from engine.jobs.executors.wire import Task, progress_of
from engine.jobs.executors.worker import ATTEMPTS, died_twice, fail, finish, task_of
from engine.jobs.runner import Runner

log = logging.getLogger(__name__)

LATE_SECONDS = 60.0
"""How long a file may take to be seen on this machine after another one wrote it."""
POLL_SECONDS = {"slurm": 2.0}
QUICK_SECONDS = 0.3
SENDING_SECONDS = 120.0
"""How long it may take until a job that was written down is known to the cluster; whoever sent it may have died."""
SILENT_SECONDS = 600.0
"""How long a job that the cluster does not know may say nothing."""


@dataclass
class Watched:
    """A run that somebody here waits for."""

    run: RunFolder
    handles: dict[str, Handle] = field(default_factory=dict)
    jobs: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    late: dict[str, float] = field(default_factory=dict)
    over: dict[str, float] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)


class Slurm(Executor):
    """Jobs on a cluster, with its runs in a folder that all its machines see. `cluster`: as submitit names it; "local" and
    "debug" are this machine, to try things out."""

    name, elsewhere = "slurm", True

    def __init__(self, runner: Runner, folder: Path, chosen: Cluster | None = None, cluster: str = "slurm") -> None:
        super().__init__(runner)
        sending.submitit()
        self.folder, self.cluster, self._chosen = folder, cluster, chosen or config.settings().cluster
        self.outlives = cluster == "slurm"  # what only tries things out on this machine is stopped
        self.slots = self._chosen.slurm_at_once * (self._chosen.slurm_parts if cluster == "slurm" else 1)
        self._changed = threading.Condition()
        self._watched: dict[Path, Watched] = {}
        self._unsent: list[Handle] = []
        self._closing = False
        self._thread = threading.Thread(target=self._tend, name="cluster", daemon=True)
        self._thread.start()

    # Asking

    def _send(self, handles: Sequence[Handle]) -> None:
        if self._closing:
            raise Unavailable("Vitrine is shutting down and accepts no new jobs. Try again after the restart.")
        fresh = self._join(handles)
        with self._changed:  # what is asked for within a moment becomes one array
            self._unsent += fresh

    def _send_off(self) -> None:
        """Make a run of what was asked for since the last time."""
        with self._changed:
            unsent, self._unsent = [handle for handle in self._unsent if not handle.ended], []
        tasks = [task for handle in unsent if (task := task_of(handle)) is not None]
        fresh = [handle for handle in unsent if not handle.ended]
        if not tasks:
            return
        try:
            run = RunFolder.create(self.folder, self.cluster)
            watched = Watched(run, {handle.key: handle for handle in fresh})
            try:
                self._start(watched, tasks)
            except Gone:  # who waits for the cluster asks again and again
                run.remove()
                raise
        except Exception as error:
            text = f"{self.folder} cannot be written: {error}. Set slurm_folder to a shared folder."
            for handle in fresh:
                fail(handle, Unavailable(text) if isinstance(error, OSError) else error)
            return
        with self._changed:
            self._watched[run.path] = watched

    def _join(self, handles: Sequence[Handle]) -> list[Handle]:
        """Have those watch a run whose part a run of before has, waiting, running or done; gives the others."""
        left = {handle.key: handle for handle in handles}
        for run in RunFolder.all_in(self.folder) if left else ():
            if run.cluster != self.cluster:
                continue
            parts = [part for key, part in run.parts().items() if key in left]
            there = [part.key for part in parts if part.status in ("queued", "done") or _goes_on(run, part)]
            if there:
                with self._changed:
                    known = self._watched.setdefault(run.path, Watched(run))
                    known.handles |= {key: left.pop(key) for key in there}
        return [*left.values()]

    def _start(self, watched: Watched, tasks: Sequence[Task]) -> None:
        """Send these parts of a run, several to a job."""
        each = self._chosen.slurm_parts
        if self.cluster != "slurm":  # submitit knows no limit of what runs at once there
            each = max(each, -(-len(tasks) // self._chosen.slurm_at_once))
        names = [watched.run.add_task(tasks[first : first + each]) for first in range(0, len(tasks), each)]
        jobs = sending.send(watched.run, names, self._chosen)
        watched.jobs |= dict(zip(names, jobs, strict=False))  # those that it refused have failed
        if self.cluster == "debug":
            threading.Thread(target=_in_turn, args=(jobs,), name="debug", daemon=True).start()

    def _stop(self, handle: Handle) -> None:
        with self._changed:
            if handle in self._unsent:
                self._unsent.remove(handle)
                handle.ends("cancelled")

    def resend(self, run: RunFolder, keys: Sequence[str] | None = None) -> int:
        """Send the parts of a run again that failed or got lost, or whose results did (or these, where they are not done); how
        many."""
        if keys is None:
            fail_missing(run, self.runner)
        parts = left(run, keys) + (sending.lost(run) if keys is None else [])
        if parts:
            with self._changed:
                watched = self._watched.setdefault(run.path, Watched(run))
            self._start(watched, [part.task for part in parts])
        return len(parts)

    def close(self) -> None:
        """What was sent goes on; it is taken up again by whoever asks for it next, or collects it."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        for handle in [*self._unsent, *(each for known in self._watched.values() for each in known.handles.values())]:
            handle.ends("cancelled")

    # Watching

    def _tend(self) -> None:
        while True:
            with self._changed:
                self._changed.wait(POLL_SECONDS.get(self.cluster, QUICK_SECONDS))
                if self._closing:
                    return
            self._send_off()
            with self._changed:
                watched = [each for each in self._watched.values() if each.handles]
            for each in watched:
                try:
                    self._look(each)
                except Exception:  # a disk that is away comes back
                    log.exception("The run %s could not be looked at; it is tried again", each.run.path.name)

    def _look(self, watched: Watched) -> None:
        parts = watched.run.parts()
        for key, handle in [*watched.handles.items()]:
            if (part := parts.get(key)) is None:
                continue
            self._pass_on(watched, handle, part)
            if part.ended:
                self._end(watched, handle, part)
            if handle.ended:
                watched.handles.pop(key, None)
        concerned = watched.handles.keys() | watched.cancelled
        unfinished = {part.job for key, part in parts.items() if not part.ended and key in concerned}
        for task in sorted(unfinished):
            self._see_to(watched, task, [part for part in parts.values() if part.job == task and not part.ended])
        if not watched.handles:
            collect(watched.run, self.runner)  # what was made along the way

    def _pass_on(self, watched: Watched, handle: Handle, part: Part) -> None:
        while handle.attempts < part.begun:
            handle.begins(part.where)
        if (news := watched.run.news(part)) is not None and news[0] > watched.seen.get(part.key, 0.0):
            watched.seen[part.key] = news[0]
            with contextlib.suppress(DamagedBlob):  # it is only touched to say that its worker is alive
                handle.tells(progress_of(news[1]))
        if handle.cancelled and part.key not in watched.cancelled:
            watched.cancelled.add(part.key)
            watched.run.cancel([part.key])
            if part.status == "queued":
                handle.ends("cancelled")

    def _end(self, watched: Watched, handle: Handle, part: Part) -> None:
        if part.status != "done":
            finish(handle, {"status": part.kind or part.status, "error": part.error})
            return
        try:
            if take_part(watched.run, self.runner, part):
                finish(handle, {"status": "done"})
                return
            problem = RefusedFile(gone(part))
        except RefusedFile as error:
            problem = error
        if time.monotonic() - watched.late.setdefault(part.key, time.monotonic()) > LATE_SECONDS:
            with contextlib.suppress(OSError):  # before it ends, so that whoever asks again gets it computed again
                watched.run.fail(part.job, str(problem), [part.key])
            handle.ends("failed", problem)

    def _see_to(self, watched: Watched, task: str, parts: Sequence[Part]) -> None:
        """Look whether a job that has not finished its parts is over; they are sent once more then."""
        if (job := watched.jobs.get(task)) is None:  # who is sending it notes its number only when all are sent
            job = watched.jobs[task] = sending.job_of(watched.run, task)
        if job is not None and task not in watched.stopped and all(part.key in watched.cancelled for part in parts):
            watched.stopped.add(task)
            sending.stop(watched.run, job)
        ended = sending.has_ended(watched.run, job)
        if ended is None and watched.run.cluster != "debug":
            never_sent = job is None and watched.run.age(task) > SENDING_SECONDS
            ended = never_sent or all(self._silent(watched, part) for part in parts)
        if not ended:
            watched.over.pop(task, None)
            return
        patience = LATE_SECONDS if watched.run.cluster == "slurm" else 1.0
        if time.monotonic() - watched.over.setdefault(task, time.monotonic()) < patience:
            return  # what it wrote last may not be here yet
        how = sending.how_it_ended(watched.run, job)
        again = []
        for part in parts:
            handle = watched.handles.get(part.key)
            if handle is None or handle.cancelled:
                if handle is not None:
                    handle.ends("cancelled")
            elif part.tried >= ATTEMPTS:
                handle.ends("failed", Unavailable(died_twice(how)))
            else:
                handle.waits(f"Sent again: {how}")
                again.append(part.task)
        if again:
            log.warning("%s of %s: sent again, since %s", len(again), watched.run.path.name, how)
            try:
                self._start(watched, again)
            except VitrineError as error:
                for task_again in again:
                    watched.handles[task_again.key].ends("failed", error)

    def _silent(self, watched: Watched, part: Part) -> bool:
        news = watched.run.news(part)
        return news is not None and time.time() - news[0] > SILENT_SECONDS


def _goes_on(run: RunFolder, part: Part) -> bool:
    """Whether a part runs and nobody has cancelled it: one that is about to stop is nothing to wait for."""
    return part.status == "running" and not run.is_cancelled(part.key)


def _in_turn(jobs: Sequence[Any]) -> None:
    """Carry out jobs that wait for somebody to want their results."""
    for job in jobs:
        job.results()


def slurm(runner: Runner, chosen: Cluster) -> Slurm:
    """The cluster that the settings name. Raises BadRequest where a setting is missing, Unavailable without submitit."""
    if chosen.slurm_folder is None:
        raise BadRequest(
            'executor = "slurm" needs a folder that all nodes see: set slurm_folder = "/shared/vitrine-runs".'
        )
    return Slurm(runner, chosen.slurm_folder, chosen, chosen.slurm_cluster)
