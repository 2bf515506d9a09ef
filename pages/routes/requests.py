"""One line in the log for each request, under an id that its answer carries too, and the count of what was asked.

A request is what a browser asks over HTTP, a session that ended (its websocket closed), or one run of a page within a session.
What a page loads besides (Streamlit's own files, pictures) and health checks are counted, and told only where they fail.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.core import logs
from engine.jobs import courtesy

log = logging.getLogger(__name__)

OFTEN = ("/static/", "/media/", "/_stcore/", "/api/health", "/api/ready", "/api/metrics")
ID = "X-Request-ID"


@dataclass
class Counts:
    """What was asked since the process began: answers by the first digit of their status, runs of pages with the seconds that
    they took, and how many sessions are open now."""

    answers: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    run_seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    sessions: int = 0


COUNTS = Counts()


class Requests:
    """Gives each request its id, and writes its line."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._session(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, number, told = time.perf_counter(), logs.new_id(), {"status": 500, "bytes": 0}

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                told["status"] = message["status"]
                MutableHeaders(scope=message)[ID] = number
            told["bytes"] += len(message.get("body", b""))
            await send(message)

        with logs.about(id=number):
            try:
                await self.app(scope, receive, send_with_id)
            finally:
                COUNTS.answers[f"{told['status'] // 100}xx"] += 1
                often = any(part in scope["path"] for part in OFTEN) and told["status"] < 400
                named = {"method": scope["method"], "path": scope["path"][:200], **told, "peer": _peer(scope)}
                level = logging.DEBUG if often else logging.INFO
                log.log(level, "request", extra=logs.facts(**named, ms=_ms(began)))

    async def _session(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, number, accepted = time.perf_counter(), logs.new_id(), False

        async def send_counted(message: Message) -> None:
            nonlocal accepted
            if message["type"] == "websocket.accept" and not accepted:
                accepted = True
                COUNTS.sessions += 1
            await send(message)

        with logs.about(session=number):
            try:
                await self.app(scope, receive, send_counted)
            finally:
                COUNTS.sessions -= accepted
                what = "session ended" if accepted else "session refused"
                log.info(what, extra=logs.facts(peer=_peer(scope), seconds=round(time.perf_counter() - began, 1)))


@contextmanager
def page_run(title: str) -> Iterator[None]:
    """Around one run of a page: its line in the log, the id that a message about an error in it shows, and the right of way
    before what the server and sweeps compute."""
    began = time.perf_counter()
    with logs.about(id=logs.new_id()), courtesy.PAGES.drawing():
        try:
            yield
        finally:  # also where another click stops the run
            COUNTS.runs[title] += 1
            COUNTS.run_seconds[title] += time.perf_counter() - began
            log.info("page", extra=logs.facts(page=title, ms=_ms(began)))


def _ms(began: float) -> float:
    return round(1000 * (time.perf_counter() - began), 1)


def _peer(scope: Scope) -> str | None:
    return scope["client"][0] if scope.get("client") else None
