"""The app as tests serve it: with a cache folder of its own, or behind a login, with a sign-in service that the test runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.driving import AppServer, settled, visit
from tests.conftest import ROOT, SESSION_CACHE

Claims = Mapping[str, Mapping[str, Any]]


def server_in(folder: Path) -> AppServer:
    """The app, not started yet, with a cache folder in this one; the models that come as packages are those of all tests."""
    server = AppServer(ROOT, folder / "cache", folder / "server.log")
    (SESSION_CACHE / "wheels").mkdir(exist_ok=True)
    server.cache.mkdir()
    (server.cache / "wheels").symlink_to(SESSION_CACHE / "wheels")
    return server


@contextmanager
def sign_in_service(people: Claims) -> Iterator[str]:
    """The address of a service where these people, and nobody else, can sign in; each with what it says of them."""
    from oidc_provider_mock import User, run_server_in_thread

    users = [User(sub=name, claims=dict(claims)) for name, claims in people.items()]
    with run_server_in_thread(user_claims=users) as server:
        yield f"http://localhost:{server.server_port}"


@contextmanager
def app_with_login(folder: Path, service: str, settings: str, **environment: str) -> Iterator[AppServer]:
    """The app with these settings, for people who sign in at this service."""
    server = server_in(folder)
    (folder / "vitrine.toml").write_text(settings)
    secrets = {
        "redirect_uri": f"{server.url}/oauth2callback",
        "cookie_secret": "c" * 40,
        "client_id": "vitrine",
        "client_secret": "s" * 20,
        "server_metadata_url": f"{service}/.well-known/openid-configuration",
    }
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in secrets.items())
    (folder / "secrets.toml").write_text(f"[auth]\n{lines}")
    server.options = {"secrets.files": str(folder / "secrets.toml")}
    server.environment = {"VITRINE_CONFIG": str(folder / "vitrine.toml"), **environment}
    server.start()
    yield server
    server.stop()


def sign_in(page: Page, server: AppServer, name: str) -> Page:
    """Go through the sign-in service as this person."""
    for beside in ("**/pico.min.css", "**/favicon.ico"):  # what the pages of the sign-in service load from elsewhere
        page.route(beside, lambda route: route.fulfill(body=""))
    visit(page, server.url, 120)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_url(re.compile(re.escape(server.url)))
    return settled(page, 60)
