"""What happens once for the whole server: warming the engine up, and telling browsers apart.

Invariant: the first paint never waits for torch. It is imported in the background; pages wait for it in `ready`.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import secrets
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime.pages_manager import PagesManager

from engine.core import experiments
from pages.common.experiments import drawings

COOKIE = "vitrine_browser"
BASE = (
    "models.catalog",
    "data.registry",
    "core.export",
    "jobs.scheduler",
    "visualization.recipes",
    "concepts.browsing",
)
"""What pages need of the engine beside its experiments."""


class _Warmth:
    """The one background import of the engine in this process."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._import, name="warm-up", daemon=True)
        self.thread.start()

    def _import(self) -> None:
        try:
            for name in BASE:
                importlib.import_module(f"engine.{name}")
            for entry in experiments.experiments().values():
                importlib.import_module(entry.module)
            experiments.import_plugins()
            drawings.load()
            from engine.core import devices

            devices.describe(devices.pick())  # measures the device, once
            # The modules stay for good: later collections need not look at them. Models are loaded after this.
            gc.collect()
            gc.freeze()
            # Else Python's end finds them alive, and their libraries fill the terminal with complaints.
            atexit.register(gc.unfreeze)
        except Exception as error:  # told to whoever waits
            self.error = error


@functools.cache
def warm_up() -> _Warmth:
    """Start importing the engine, once for the process."""
    return _Warmth()


def is_ready() -> bool:
    """Whether the engine is imported, without waiting."""
    return not warm_up().thread.is_alive()


def ready() -> None:
    """Wait for the engine, under a placeholder. Raises what went wrong while it was imported."""
    warmth = warm_up()
    if warmth.thread.is_alive():
        with st.skeleton(height=320):
            st.caption("Loading the engine. This takes a few seconds after the server starts.")
            warmth.thread.join()
            st.rerun()
    if warmth.error is not None:
        raise warmth.error


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Around the server's life: the engine warms up before the first browser comes."""
    # Streamlit finds a folder called pages/ by itself, and until `st.navigation` was called for the first time it would
    # run a page of it without app.py: the first link opened after a restart would show a bare page.
    PagesManager.uses_pages_directory = False
    warm_up()
    yield


class BrowserCookie:
    """Gives each browser a random name, so that a reloaded page still owns the jobs it started."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        known = any(name == b"cookie" and COOKIE.encode() in value for name, value in scope.get("headers", []))

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start" and b"text/html" in dict(message["headers"]).get(
                b"content-type", b""
            ):
                cookie = f"{COOKIE}={secrets.token_urlsafe(16)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000"
                message["headers"] = [*message["headers"], (b"set-cookie", cookie.encode())]
            await send(message)

        await self.app(scope, receive, send if known or scope["type"] != "http" else send_named)


MIDDLEWARE = [Middleware(BrowserCookie)]


def owner() -> str:
    """Who is asking: one name for all tabs of a browser; for the session where cookies are off."""
    name = st.context.cookies.get(COOKIE)
    return name or st.session_state.setdefault("owner", secrets.token_urlsafe(16))
