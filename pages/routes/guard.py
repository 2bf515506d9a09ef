"""Who may reach which path: a foreign Host is refused where allowed ones are set, what is for operators is closed to others, and
files are taken from members alone.

Streamlit looks at `server.allowedHosts` for its websocket alone; here every path is held to it, except the two that say
whether the server is well (a health check asks by address, and learns nothing else).
"""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config as streamlit_config
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from pages.common import who
from pages.common.who import OWN_NAMES, PROXIED, is_direct
from pages.routes import answers
from pages.routes.chosen import operating

FOR_ANYONE = ("/api/health", "/api/ready")
FOR_OPERATORS = ("/_stcore/metrics", "/api/metrics")
AGENTS = "/_stcore/agent"
FILES = "/_stcore/upload_file/"


class Guard:
    """Refuses before anything else looks at a request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = why_not(HTTPConnection(scope)) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answers.refused(*refusal)(scope, receive, send)


class Uploads:
    """Takes a file for one of Streamlit's boxes from members alone: Streamlit takes one from anybody who has a session, and who
    is refused on every page has one too. Stands inside of what settles whose word about a login counts."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "PUT" and FILES in scope["path"]:
            who.of(HTTPConnection(scope)).require("member", "upload files")
        await self.app(scope, receive, send)


def why_not(asked: HTTPConnection) -> tuple[str, int] | None:
    """The sentence and the status of a refusal; None for what may pass."""
    path = asked.scope["path"]  # not that of the address, which is built with the Host that was sent
    if any(path == f"{below}{each}" for below in _above(asked) for each in FOR_ANYONE):
        return None
    if not is_host_allowed(asked.headers.get("host")) or is_lured(asked):
        return "This server is not reached under that name. Use the address that its operator gave you.", 403
    if AGENTS in path and not streamlit_config.get_option("server.enableAgentApi"):
        return "There is nothing here.", 404
    if path.endswith(FOR_OPERATORS) and not is_operator(asked):
        return (
            "Metrics are for this server's operator: ask with the token from its settings, or from the machine itself.",
            403,
        )
    return None


def _above(asked: HTTPConnection) -> set[str]:
    """What may stand before the path of a route: nothing, what a proxy adds, or the path below which pages stand."""
    base = (streamlit_config.get_option("server.baseUrlPath") or "").strip("/")
    return {"", asked.scope.get("root_path", "").rstrip("/"), f"/{base}" if base else ""}


def is_lured(asked: HTTPConnection) -> bool:
    """Whether a browser was told that a foreign name means this machine, so that a page from there can talk to a server that
    listens to the machine alone. Behind a proxy, which says so, any name may be right."""
    if streamlit_config.get_option("server.address") not in OWN_NAMES or streamlit_config.get_option(
        "server.allowedHosts"
    ):
        return False
    host = urlsplit(f"//{asked.headers.get('host', '')}").hostname
    return host not in OWN_NAMES and not any(name.startswith(PROXIED) for name in asked.headers)


def is_operator(asked: HTTPConnection) -> bool:
    """Whether somebody shows the operator's token or, where there is none, sits at the machine itself: no proxy in between."""
    if token := operating().metrics_token:
        kind, _, given = asked.headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
    return asked.client is not None and is_loopback(asked.client.host) and is_direct(asked.headers)


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
