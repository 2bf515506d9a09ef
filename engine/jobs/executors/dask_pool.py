"""A Dask pool: requests go to the workers of a scheduler, one at a time each (`dask_worker`), and bytes come back.

Dask knows the workers, encrypts, and runs what is sent. Which worker gets what is decided here, since a task that Dask places by
itself is counted as failed when a worker dies that it only waited at. Invariants: what a worker that died had is begun once more
elsewhere, and no third time; a worker that says nothing is not waited for without end; where the scheduler is gone, requests wait
for it, or end with a sentence, as it was wanted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cache.blob import DamagedBlob
from engine.core.errors import BadRequest, RefusedFile, Unavailable
from engine.core.settings.cluster import Cluster
from engine.jobs.executors import dask_worker
from engine.jobs.executors.executor import Executor, Gone, Handle
from engine.jobs.executors.processes import DEAF_SECONDS
from engine.jobs.executors.wire import checked, progress_of
from engine.jobs.executors.worker import ATTEMPTS, died_twice, finish, task_of, too_long
from engine.jobs.runner import Runner

log = logging.getLogger(__name__)

TEND_SECONDS, IDLE_SECONDS = 0.2, 2.0
AGAIN_SECONDS = 5.0
"""How often a scheduler that is gone is looked for."""
CONNECT_SECONDS = 10.0
ANSWER_SECONDS, SCHEDULER_SECONDS = 2.0, 30.0
"""How long a worker, and the scheduler, may take to answer before nothing more is waited for."""
SILENT_SECONDS = 120.0
"""How long a worker that has a request may say nothing at all, not even that it is there."""


@dataclass
class Away:
    """A request at a worker."""

    handle: Handle
    worker: str
    future: Any
    began: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    told: float | None = None


class Pool(Executor):
    """The workers of the Dask scheduler at an address. `waits`: where it is gone, requests wait for it; else they end so."""

    name, elsewhere = "dask", True

    def __init__(
        self, runner: Runner, address: str, security: Any = None, *, part_seconds: float = 0.0, waits: bool = True
    ) -> None:
        super().__init__(runner)
        dask_worker.distributed()
        self.address, self._security, self._part_seconds, self._waits = address, security, part_seconds, waits
        self._changed = threading.Condition()
        self._waiting: deque[Handle] = deque()
        self._away: dict[str, Away] = {}
        self._free: list[str] = []
        self._ours: dict[str, bool] = {}
        self._client: Any = None
        self._closing = self._woken = False
        self._thread = threading.Thread(target=self._tend, name="dask", daemon=True)
        self._thread.start()

    @property
    def slots(self) -> int:  # type: ignore[override]
        """The workers that there are now."""
        return max(1, sum(self._ours.values()))

    def _send(self, handles: Sequence[Handle]) -> None:
        with self._changed:
            if self._closing:
                raise Unavailable("Vitrine is shutting down and accepts no new jobs. Try again after the restart.")
            self._waiting.extend(handles)
        self._wake()

    def _stop(self, handle: Handle) -> None:
        with self._changed:
            if handle in self._waiting:
                self._waiting.remove(handle)
                handle.ends("cancelled")
        self._wake()

    def close(self) -> None:
        with self._changed:
            self._closing = True
        self._wake()
        self._thread.join()
        for handle in [*self._waiting, *(away.handle for away in self._away.values())]:
            handle.ends("cancelled")

    # The one thread that speaks to Dask

    def _tend(self) -> None:
        while not self._closing:
            try:
                self._connect()
                self._look_around()
                self._hear()
                self._hand_out()
            except Exception as error:
                self._lost(error)
                self._pause(AGAIN_SECONDS)
            else:
                self._pause(TEND_SECONDS if self._away or self._waiting else IDLE_SECONDS)
        with contextlib.suppress(Exception):
            self._ask("cancel", list(self._away))
        self._drop_client()

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._woken, seconds)
            self._woken = False

    def _connect(self) -> None:
        if self._client is None:
            package = dask_worker.distributed()
            self._client = package.Client(
                self.address, security=self._security, timeout=CONNECT_SECONDS, set_as_default=False, name="vitrine"
            )
        if self._client.status != "running":
            raise OSError(f"the connection is {self._client.status}")

    def _drop_client(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                client.close(timeout=2)

    def _lost(self, error: Exception) -> None:
        """Nobody answers. What was there waits again, or ends."""
        text = f"The Dask scheduler at {self.address} does not answer. Start it, or set dask_scheduler to another."
        log.warning("%s (%s: %s)", text, type(error).__name__, error)
        self._drop_client()
        self._ours.clear()
        with self._changed:
            for away in reversed([*self._away.values()]):
                self._waiting.appendleft(away.handle)
            self._away.clear()
            for handle in [*self._waiting]:
                if handle.cancelled:
                    handle.ends("cancelled")
                elif self._waits:
                    handle.waits(text)
                else:
                    handle.ends("failed", Gone(text))
            self._waiting = deque(handle for handle in self._waiting if not handle.ended)

    def _ask(self, ask: str, keys: Sequence[str] = (), workers: Sequence[str] | None = None) -> dict[str, Any]:
        """What these workers answer in time (default: those with something of ours); nothing where one knows no such question."""
        asked = sorted({away.worker for away in self._away.values()}) if workers is None else [*workers]
        message = {"op": dask_worker.ASK, "ask": ask, "keys": list(keys)}
        return self._sync(self._answers, message, asked) if asked else {}

    async def _answers(self, message: Mapping[str, Any], workers: Sequence[str]) -> dict[str, Any]:
        """Each is asked by itself, so that one that is frozen keeps nothing from the others."""
        found: dict[str, Any] = {}

        async def answers(worker: str) -> None:
            asked = self._client.scheduler.broadcast(msg=message, workers=[worker], on_error="ignore")
            with contextlib.suppress(TimeoutError):
                answer = (await asyncio.wait_for(asked, ANSWER_SECONDS)).get(worker)
                found[worker] = answer if isinstance(answer, Mapping) else {}

        await asyncio.gather(*map(answers, workers))
        return found

    def _sync(self, call: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """What a call of Dask's gives. Raises TimeoutError where nothing comes for long."""
        return self._client.sync(call, *given, callback_timeout=SCHEDULER_SECONDS, **named)

    def _look_around(self) -> None:
        """Which workers there are: those that died, those that are new, and those that have nothing to do."""
        there = self._sync(self._client.scheduler.ncores, workers=None)
        for away in [*self._away.values()]:
            if away.worker not in there and away.future.status != "finished":
                self._died(away, "it is gone from the scheduler")
        self._ours = {worker: ours for worker, ours in self._ours.items() if worker in there}
        if unknown := [worker for worker in there if worker not in self._ours]:
            known = self._ask("hello", workers=unknown)
            self._ours |= {worker: "vitrine" in answer for worker, answer in known.items()}
        processing = self._sync(self._client.scheduler.processing, workers=None)
        busy = {worker for worker, keys in processing.items() if keys}
        having = {away.worker for away in self._away.values()}
        free = [worker for worker, ours in self._ours.items() if ours and worker not in busy | having]
        self._free = self._idle(free) if free and self._waiting else []

    def _idle(self, free: Sequence[str]) -> list[str]:
        """Those of these workers that are at nothing: Dask forgets what one is at whose client died, and the worker goes on."""
        known = self._ask("hello", workers=free)
        return [worker for worker in free if not known.get(worker, {}).get("at", "nobody answers")]

    def _hear(self) -> None:
        """Take in what workers report and bring; pass on what was cancelled or takes too long."""
        for away in [away for away in self._away.values() if away.future.status != "pending"]:
            self._ended(away)
        now = time.monotonic()
        for worker, answer in self._ask("news", [*self._away]).items():
            for key, news in answer.items():
                away = self._away.get(key)
                if away is None or away.worker != worker:
                    continue
                away.heard = now
                if away.handle.status == "queued":
                    away.handle.begins(worker)
                with contextlib.suppress(DamagedBlob):
                    if news:
                        away.handle.tells(progress_of(news))
        for away in [*self._away.values()]:
            self._see_to(away, now)

    def _see_to(self, away: Away, now: float) -> None:
        key = away.handle.key
        if away.handle.cancelled and away.told is None:
            away.told = now
            self._ask("cancel", [key], [away.worker])
        late = self._part_seconds and now - away.began > self._part_seconds
        if late:
            away.handle.ends("failed", Unavailable(too_long(self._part_seconds)))
        if late or (away.told is not None and now - away.told > DEAF_SECONDS):
            self._ask("end", workers=[away.worker])
        if now - away.heard > SILENT_SECONDS:
            self._died(away, f"it said nothing for {SILENT_SECONDS:.0f} seconds")

    def _died(self, away: Away, how: str) -> None:
        """A worker is gone. What it had begins once more elsewhere."""
        handle = away.handle
        self._let_go(away)
        self._ours.pop(away.worker, None)
        if handle.ended:  # it took too long, and its worker was ended for that
            return
        if handle.status == "queued":  # nobody heard it begin; it may have all the same
            handle.begins(away.worker)
        handle.deaths += 1
        log.warning("The Dask worker %s died: %s", away.worker, how)
        if handle.cancelled:
            handle.ends("cancelled")
        elif handle.deaths >= ATTEMPTS:
            handle.ends("failed", Unavailable(died_twice(how)))
        else:
            self._again(handle, "The worker died; the job begins once more")

    def _again(self, handle: Handle, why: str) -> None:
        handle.waits(why)
        with self._changed:
            self._waiting.appendleft(handle)

    def _let_go(self, away: Away) -> None:
        self._away.pop(away.handle.key, None)
        with contextlib.suppress(Exception):
            away.future.cancel()

    def _ended(self, away: Away) -> None:
        handle = away.handle
        if away.future.status != "finished":
            self._died(away, f"Dask says that its task is {away.future.status}")
            return
        try:
            answer = self._sync(lambda: self._client.gather(away.future, asynchronous=True))
        except TimeoutError:
            self._died(away, "its answer does not come")
            return
        self._let_go(away)
        results, ended = dask_worker.unpacked(answer)
        if handle.status == "queued":
            handle.begins(away.worker)
        try:
            for place, data in results.items():
                checked(place, data)
                self.runner.take_in(place, data)
        except (RefusedFile, DamagedBlob) as error:
            handle.ends("failed", RefusedFile(str(error)))
            return
        if ended.get("status") == "done" and self.runner.find(handle.key) is None:
            ended = {"status": "failed", "error": f"The worker {away.worker} sent no result. Ask for it again."}
        if ended.get("status") == "lacks":
            handle.lacked.add(away.worker)
            if self._able(handle) and not handle.cancelled:
                self._again(handle, str(ended.get("error")))
                return
        finish(handle, ended)

    def _able(self, handle: Handle) -> set[str]:
        """The workers that lack nothing for it, as far as is known."""
        return {worker for worker, ours in self._ours.items() if ours} - handle.lacked

    def _next(self) -> tuple[Handle, str] | None:
        """The first that waits which a worker that has nothing to do may be able to do, and that worker."""
        with self._changed:
            for handle in self._waiting:
                able = self._able(handle)
                if worker := next((each for each in self._free if each in able or not able), ""):
                    self._waiting.remove(handle)
                    self._free.remove(worker)
                    return handle, worker
        return None

    def _hand_out(self) -> None:
        """A request for each worker that has nothing to do."""
        while (found := self._next()) is not None:
            handle, worker = found
            if (task := task_of(handle)) is None:
                continue
            try:
                future = self._client.submit(
                    dask_worker.compute,
                    task.as_text(),
                    key=f"vitrine-{handle.key}-{time.time_ns()}",
                    workers=[worker],
                    allow_other_workers=False,
                    resources={"GPU": 1},
                    pure=False,
                    retries=0,
                )
            except Exception:
                with self._changed:
                    self._waiting.appendleft(handle)
                raise
            self._away[handle.key] = Away(handle, worker, future)
            future.add_done_callback(self._wake)

    def _wake(self, future: Any = None) -> None:
        """Something is to be done: look at once."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()


def pool(runner: Runner, chosen: Cluster) -> Pool:
    """The pool that the settings name. Raises BadRequest where they name none, Unavailable where Dask is not installed."""
    if not chosen.dask_scheduler:
        raise BadRequest('executor = "dask" needs the address of a scheduler: set dask_scheduler = "tcp://host:8786".')
    return Pool(
        runner,
        chosen.dask_scheduler,
        dask_worker.security(chosen),
        part_seconds=chosen.part_minutes * 60.0,
        waits=chosen.otherwise == "wait",
    )
