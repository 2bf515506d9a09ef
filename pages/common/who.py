"""Who looks at the page, and who calls a route: one answer for both, whichever way people sign in.

Invariant: what a browser or a proxy says counts only where it is signed by us, by Streamlit (whose cookie holds what the sign-in
service said), or comes from a proxy that the settings name; `pages.routes.arrivals` takes all else away before it gets here.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from starlette.requests import HTTPConnection
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from engine.core import config
from engine.core.errors import VitrineError
from engine.people import browsers, identity
from engine.people.person import Person

BELIEVED = "x-vitrine-believed"
"""The header that says that those of a login come from a named proxy; its value is this process's own."""
PROXIED = ("x-forwarded", "forwarded", "x-real-ip", "via", "x-proxy")
"""How the headers begin that proxies add."""
OWN_NAMES = ("localhost", "127.0.0.1", "::1")
PASSWORD = secrets.token_hex(16)


def person() -> Person:
    """Whoever asks in this session. Raises Forbidden where they have not signed in, or are not listed."""
    asked = config.settings()
    if asked.access.login == "oidc" and (claims := dict(st.user.to_dict())).get("is_logged_in"):
        return identity.from_claims(asked, claims)
    if asked.access.login == "proxy" and (found := _from_proxy(st.context.headers)) is not None:
        return found
    name = browsers.name_among(st.context.cookies) or _of_session()
    return identity.visitor(asked, name, _is_near(st.context.ip_address, st.context.headers))


def here() -> Person | None:
    """Whoever asks in this session; None where they may not come in."""
    with contextlib.suppress(VitrineError):
        return person()
    return None


def asking() -> Person | None:
    """Whose page runs in this thread: None where none does, a viewer where it is somebody who may not come in."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    return here() or Person("", role="viewer")


def of(asked: HTTPConnection) -> Person:
    """Whoever calls a route with the cookies of a page, or through a proxy. Raises Forbidden as `person` does."""
    settings = config.settings()
    if settings.access.login == "oidc" and (claims := _claims(asked)).get("is_logged_in"):
        return identity.from_claims(settings, claims)
    if settings.access.login == "proxy" and (found := _from_proxy(asked.headers)) is not None:
        return found
    name = browsers.name_among(asked.cookies) or secrets.token_urlsafe(16)
    return identity.visitor(settings, name, _is_near(asked.client.host if asked.client else "", asked.headers))


def _is_near(address: str | None, headers: Mapping[str, str]) -> bool:
    """Whether somebody sits at this machine. (Streamlit says None for an address of the machine itself.)"""
    near = not isinstance(address, str) or address in ("127.0.0.1", "::1")
    return near and is_direct(headers)


def is_direct(headers: Mapping[str, str]) -> bool:
    """Whether there is no proxy in between, as far as can be seen: none says that it is one, and the machine is reached by its
    own name, which a page from elsewhere cannot use."""
    named = headers.get("host")
    host = urlsplit(f"//{named}").hostname if isinstance(named, str) else "localhost"
    return host in OWN_NAMES and not any(name.lower().startswith(PROXIED) for name in headers)


def _of_session() -> str:
    """A name for this session alone, where cookies are off."""
    return st.session_state.setdefault("browser", secrets.token_urlsafe(16))


def _from_proxy(headers: Mapping[str, str]) -> Person | None:
    access = config.settings().access
    if headers.get(BELIEVED) != PASSWORD or not (user := headers.get(access.user_header, "").strip()):
        return None
    name, groups = headers.get(access.name_header, ""), headers.get(access.groups_header, "")
    return identity.from_headers(config.settings(), user, name, groups)


def _claims(asked: HTTPConnection) -> dict[str, Any]:
    """What the sign-in service said, of the cookie that Streamlit signed."""
    try:
        claims = json.loads(_get_signed_cookie_with_chunks(asked.cookies, USER_COOKIE_NAME) or b"{}")
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}
