"""Answers in JSON, and what is said where a route fails: one sentence and an id, never a trace."""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.core import logs
from engine.core.errors import BadRequest, Forbidden, RefusedFile, Unavailable, VitrineError
from engine.core.paths import without_folders

log = logging.getLogger(__name__)

STATUS: tuple[tuple[type[VitrineError], int], ...] = (
    (BadRequest, 400),
    (RefusedFile, 400),
    (Forbidden, 403),
    (Unavailable, 503),
)
NO_STORE = {"Cache-Control": "no-store"}


def told(facts: object, status: int = 200) -> JSONResponse:
    """Facts, which nothing on the way may keep."""
    return JSONResponse(facts, status, NO_STORE)


def refused(sentence: str, status: int) -> JSONResponse:
    """A refusal: `{"error": one sentence}`."""
    return told({"error": sentence}, status)


def failed(path: str, error: Exception) -> JSONResponse:
    """What went wrong in a route, as its caller may know it; the log has the rest under the request's id."""
    if isinstance(error, VitrineError):
        return refused(
            without_folders(str(error)), next((status for kind, status in STATUS if isinstance(error, kind)), 400)
        )
    number = logs.this_id()
    log.error("unexpected error %s in %s", number, path, exc_info=error)
    return refused(f"An unexpected error occurred. The server's log has the details under {number}.", 500)


class Failures:
    """Answers where a route fails. A layer and no handler of Starlette's: those answer outside of all layers, without headers
    and id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def send_noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, send_noted)
        except Exception as error:
            if scope["type"] != "http" or begun:  # nothing can be said any more
                raise
            await failed(scope["path"], error)(scope, receive, send)


async def nothing(request: Request) -> JSONResponse:
    """There is no such route. Without this answer Streamlit would give its page for any address."""
    return refused("There is nothing under this address.", 404)


ROUTES = [Route("/api/{rest:path}", nothing, methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])]
