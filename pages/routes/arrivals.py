"""What is taken away, added or said before anything else looks at a request: whose word about a login counts, which browser it
is, and what is said where signing in failed."""

from __future__ import annotations

import html
import logging
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

import uvicorn.config
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from engine.core import config
from engine.core.errors import VitrineError
from engine.core.settings.access import Access
from engine.people import browsers
from pages.common.who import BELIEVED, PASSWORD
from pages.routes.chosen import operating

log = logging.getLogger(__name__)

PEER = "vitrine.peer"
SIGNING_IN = ("/auth/login", "/oauth2callback")
YEAR = 31_536_000
FRAMED = "SameSite=None; Secure; Partitioned"
"""How a cookie is held where other sites may show us in a frame: one with SameSite=Lax is not sent from there, and each reload
would be somebody new. It is another one in each site's frame, so that it tells none of them who was at another."""
MOST_SERVERS = 20
"""Of how many other servers of our host a browser keeps the cookies: where a server has another secret after each restart, there
would be more and more of them, until a proxy refuses what is so long."""


def access() -> Access:
    """The table `[access]`. Where the settings cannot be read, nobody's headers count; the page says what is wrong."""
    try:
        return config.settings().access
    except VitrineError:
        return Access()


class SeesPeers(ProxyHeadersMiddleware):
    """What uvicorn puts around everything, and which believes headers about whom it forwards for; and before that a note of the
    address that the connection itself comes from."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope[PEER] = scope.get("client")
        await super().__call__(scope, receive, send)


def see_peers() -> None:
    """While the server loads us: it shall note where connections come from. Anybody on a machine that uvicorn believes could
    write the address of a proxy into a header; and where a proxy forwards honestly, its own address would be lost."""
    uvicorn.config.ProxyHeadersMiddleware = SeesPeers


class Proxies:
    """Takes away what claims to come from a login, unless a proxy that the settings name has sent it. It is the connection's own
    address that counts: anybody can write a header that tells of another."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            chosen = access()
            told = {name.lower().encode() for name in (chosen.user_header, chosen.name_header, chosen.groups_header)}
            kept = [(name, value) for name, value in scope["headers"] if name != BELIEVED.encode()]
            if chosen.login == "proxy" and believes(chosen, scope) and once_each(kept, told):
                kept.append((BELIEVED.encode(), PASSWORD.encode()))
            else:
                kept = [(name, value) for name, value in kept if name not in told]
            scope = {**scope, "headers": kept}
        await self.app(scope, receive, send)


def believes(chosen: Access, scope: Scope) -> bool:
    """Whether the connection itself comes from a proxy that the settings name."""
    try:
        peer = ip_address((scope.get(PEER) or ("",))[0])
    except ValueError:
        return False
    peer = getattr(peer, "ipv4_mapped", None) or peer
    return any(peer.version == network.version and peer in network for network in chosen.proxies)


def once_each(headers: list[tuple[bytes, bytes]], told: set[bytes]) -> bool:
    """Whether none of these headers is there twice: a proxy that adds its own and lets a person's pass is not believed."""
    names = [name for name, _ in headers if name in told]
    return len(names) == len({*names})


class Browsers:
    """Gives each browser a random name that we sign, so that a reloaded page still owns the jobs it started; one that we did not
    sign is replaced, unless it is another server's. Behind TLS every cookie goes through TLS alone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        secure = is_secure(scope)
        held = FRAMED if secure and operating().frame_ancestors else "SameSite=Lax"

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                if b"text/html" in dict(headers).get(b"content-type", b""):
                    headers += [(b"set-cookie", given.encode()) for given in _given(_cookies(scope), held)]
                message["headers"] = [
                    (name, _guarded(name, value)) if secure else (name, value) for name, value in headers
                ]
            await send(message)

        await self.app(scope, receive, send_named)


def is_secure(scope: Scope) -> bool:
    """Whether the browser came through TLS, which a proxy may have ended. A wrong word only keeps a cookie from being used."""
    return scope.get("scheme") == "https" or HTTPConnection(scope).headers.get("x-forwarded-proto", "") == "https"


def _guarded(name: bytes, value: bytes) -> bytes:
    """A header, a cookie's with the word that it goes through TLS alone."""
    has_it = b"secure" in value.lower().replace(b" ", b"").split(b";")
    return value if name != b"set-cookie" or has_it else value + b"; Secure"


def _given(cookies: Mapping[str, str], held: str) -> Iterator[str]:
    """What a browser with these cookies is to keep from now on, `held` so: nothing new where it has ours."""
    own, former = browsers.cookie(), cookies.get(browsers.FORMER, "")
    if browsers.name_in(cookies.get(own)) is not None:
        return
    name = former if browsers.name_in(former) is not None else browsers.new()
    yield f"{own}={name}; Path=/; HttpOnly; {held}; Max-Age={YEAR}"
    others = [each for each in cookies if browsers.is_cookie(each) and each != own]  # a browser names its oldest first
    yield from (f"{each}=; Path=/; {held}; Max-Age=0" for each in others[:-MOST_SERVERS])


def _cookies(scope: Scope) -> dict[str, str]:
    """The cookies of a request; of several of one name, none. Not read as Starlette does, which takes the last."""
    found: list[tuple[str, str]] = []
    for name, value in scope["headers"]:
        if name == b"cookie":
            parts = (part.partition("=") for part in value.decode("latin-1").split(";"))
            found += [(part[0].strip(), part[2].strip()) for part in parts]
    often = Counter(name for name, _ in found)
    return {name: value for name, value in found if often[name] == 1}


class SigningIn:
    """Says in a page what a browser would wait for in vain: that signing in failed, and what to do."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith(SIGNING_IN):
            await self.app(scope, receive, send)
            return
        failed: list[int] = []

        async def send_unless_failed(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                failed.append(message["status"])
            if not failed:
                await send(message)

        try:
            await self.app(scope, receive, send_unless_failed)
        except Exception:
            number = secrets.token_hex(4)
            log.exception("Signing in failed: error %s", number)
            await _failed(number, scope)(scope, receive, send)
            return
        if failed:
            number = secrets.token_hex(4)
            log.error("Signing in failed with status %s: error %s", failed[0], number)
            await _failed(number, scope)(scope, receive, send)


def _failed(number: str, scope: Scope) -> HTMLResponse:
    home = html.escape(scope.get("root_path", "") or "/")
    text = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Signing in failed</title>"
        "<body style='font-family: sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem'>"
        "<h1>Signing in failed</h1><p>The sign-in service and this server did not understand each other. Try again; "
        f"if it fails again, tell whoever runs this server the number {number}: its log says why.</p>"
        f"<p><a href='{home}'>Back to Vitrine</a></p>"
    )
    return HTMLResponse(text, 502)
