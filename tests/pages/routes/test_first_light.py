"""Home's first answer brings pictures along; no other answer does, and nothing else of it is changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from pages.routes.first_light import FirstLight

PAGE = "<!doctype html><html><head></head><body><div id=root></div></body></html>" + " " * 2000
LIKE_A_BROWSER = {"accept": "text/html,application/xhtml+xml", "accept-encoding": "gzip"}


@pytest.fixture
def asked() -> Callable[..., str]:
    """Ask a server whose every page is the same, and which compresses it, for a path."""

    async def page(_request: Request) -> HTMLResponse:
        return HTMLResponse(PAGE)

    layers = [Middleware(FirstLight, markup=lambda: b"<p>Pictures</p>"), Middleware(GZipMiddleware)]
    app = TestClient(Starlette(routes=[Route("/{rest:path}", page)], middleware=layers))

    def ask(path: str, headers: dict[str, str] = LIKE_A_BROWSER) -> str:
        answer = app.get(path, headers=headers)
        assert answer.status_code == 200
        if "content-encoding" not in answer.headers:
            assert int(answer.headers["content-length"]) == len(answer.content)
        return answer.text

    return ask


def test_pictures_stand_first_in_the_body_of_home_and_the_rest_of_it_is_as_it_was(asked: Callable[..., str]) -> None:
    assert asked("/") == PAGE.replace("<body>", "<body><p>Pictures</p>")


def test_other_pages_links_and_programs_get_what_they_always_got(asked: Callable[..., str]) -> None:
    assert asked("/history") == asked("/?v=abcdefgh") == asked("/", {"accept": "application/json"}) == PAGE


def test_where_people_sign_in_a_stranger_sees_none(asked: Callable[..., str], configured: Callable[..., None]) -> None:
    configured(access={"login": "proxy", "proxies": ["127.0.0.1"]})
    assert asked("/") == PAGE


def test_without_pictures_the_page_is_what_it_was() -> None:
    async def page(_request: Request) -> HTMLResponse:
        return HTMLResponse(PAGE)

    app = Starlette(routes=[Route("/", page)], middleware=[Middleware(FirstLight, markup=lambda: b"")])
    assert TestClient(app).get("/", headers=LIKE_A_BROWSER).text == PAGE
