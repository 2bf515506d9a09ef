"""The end of the server: asked to stop (SIGTERM), it takes no more jobs, gives the running one a stated time while pages still
answer, and then ends. What was not finished is offered again by the next server.

A second SIGTERM ends it at once, and so does Ctrl-C.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from engine.core import logs, release
from pages.routes.chosen import operating

if TYPE_CHECKING:
    from engine.jobs.scheduler import Jobs

log = logging.getLogger(__name__)

Handler = Callable[[int, FrameType | None], Any]
Life = Callable[[Any], AbstractAsyncContextManager[None]]

ENDING = threading.Event()
"""Set once the server was asked to stop."""
LAST_STEP_SECONDS = 30.0
"""How long the end waits for the step that is being computed."""


def lifespan(inner: Life) -> Life:
    """Around the server's whole life: the log is set up before anything else, and jobs are closed after everything else."""

    @asynccontextmanager
    async def life(app: Any) -> AsyncIterator[None]:
        logs.set_up(operating().log_format)
        log.info("started", extra=logs.facts(version=release.VERSION, commit=release.commit()))
        with drained_first(operating().drain_seconds):
            async with inner(app):
                yield
        if (line := _jobs()) is not None:
            line.close(LAST_STEP_SECONDS)
        log.info("ended", extra=logs.facts(uptime=release.uptime()))

    return life


@contextmanager
def drained_first(seconds: float) -> Iterator[None]:
    """Inside, SIGTERM drains before it is handed to whoever handled it so far."""
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    signal.signal(signal.SIGTERM, asked(before, seconds))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def asked(stop: Handler, seconds: float) -> Handler:
    """What SIGTERM does: the first time it drains and then calls `stop`; the second time it calls it at once."""

    def handler(number: int, frame: FrameType | None) -> None:
        if ENDING.is_set():
            stop(number, frame)
            return
        ENDING.set()
        threading.Thread(target=_drain, args=(stop, number, seconds), name="drain", daemon=True).start()

    return handler


def _drain(stop: Handler, number: int, seconds: float) -> None:
    try:
        if (line := _jobs()) is not None:
            waiting = line.counts()
            log.info("draining", extra=logs.facts(**waiting, seconds=seconds))
            log.info("drained" if line.drain(seconds) else "not drained in time; the rest is offered again")
    finally:
        stop(number, None)


def _jobs() -> Jobs | None:
    """The jobs of this process, where somebody asked for one: nothing is begun in order to end it."""
    scheduler = sys.modules.get("engine.jobs.scheduler")
    return scheduler.started() if scheduler else None
