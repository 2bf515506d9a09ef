"""Pictures in the very first answer of home, so that somebody sees something before a browser has loaded the app."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from pages.routes.arrivals import access

BODY = b"<body>"


class FirstLight:
    """Puts what `markup` gives into the page that home is opened with. Not where people sign in: who may see it is not known
    yet."""

    def __init__(self, app: ASGIApp, markup: Callable[[], bytes]) -> None:
        self.app, self.markup = app, markup

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _opens_home(scope) or not (pictures := await run_in_threadpool(self.markup)):
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def send_with_them(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if start is None or message.get("more_body"):
                return
            whole, headers = body.replace(BODY, BODY + pictures, 1), MutableHeaders(scope=start)
            if start["status"] == 200 and "content-length" in headers:
                headers["content-length"] = str(len(whole))
            await send(start)
            await send({**message, "body": whole})

        # As it is written, not compressed, and not "as before": what is put in may have changed.
        kept = [
            pair
            for pair in scope["headers"]
            if pair[0] not in (b"accept-encoding", b"if-none-match", b"if-modified-since")
        ]
        await self.app({**scope, "headers": kept}, receive, send_with_them)


def _opens_home(scope: Scope) -> bool:
    """Whether somebody opens home, and no link of it."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
        return False
    path = (config.get_option("server.baseUrlPath") or "").strip("/")
    return (
        scope["path"].strip("/") == path
        and "text/html" in Headers(scope=scope).get("accept", "")
        and access().login == "none"
    )
