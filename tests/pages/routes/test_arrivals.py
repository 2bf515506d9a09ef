"""Whose word about a login counts, which browser it is, and what is said where signing in failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from engine.core.errors import Forbidden
from engine.people import browsers
from pages.common import who
from pages.routes import arrivals
from pages.routes.arrivals import Browsers, Proxies, SeesPeers, SigningIn

PROXY = {"login": "proxy", "proxies": ["10.0.3.0/24", "::1"], "members": ["@uni.edu"], "operators": ["group:heads"]}


@pytest.fixture(autouse=True)
def anew(own_store: Path) -> Iterator[None]:
    browsers.secret.cache_clear()
    yield
    browsers.secret.cache_clear()


def asked(request: Request) -> JSONResponse:
    try:
        person = who.of(request)
    except Forbidden as refusal:
        return JSONResponse({"refused": str(refusal)}, 403)
    return JSONResponse({"id": person.id, "role": person.role, "name": person.name})


def page(request: Request) -> HTMLResponse:
    return HTMLResponse("a page", headers={"set-cookie": "theirs=1; Path=/"})


def fails(request: Request) -> PlainTextResponse:
    if "raise" in request.query_params:
        raise ValueError("secret detail")
    return PlainTextResponse("Authentication error: secret detail", 400)


def client(peer: str = "10.0.3.9", **options: Any) -> TestClient:
    routes = [Route("/who", asked), Route("/page", page), Route("/oauth2callback", fails)]
    app = Starlette(routes=routes, middleware=[Middleware(Proxies), Middleware(SigningIn), Middleware(Browsers)])
    # as uvicorn has it: it believes whoever sits at this machine about whom they forward for
    return TestClient(SeesPeers(app, trusted_hosts="127.0.0.1,::1"), client=(peer, 5000), **options)


ANN = {"X-Forwarded-Email": "ann@uni.edu", "X-Forwarded-Preferred-Username": "Ann"}


def test_a_named_proxy_says_who_somebody_is(configured: Callable[..., None]) -> None:
    configured(access=PROXY)
    for peer in ("10.0.3.9", "::1", "::ffff:10.0.3.9"):
        told = client(peer).get("/who", headers=ANN).json()
        assert told == {"id": "proxy:ann@uni.edu", "role": "member", "name": "Ann"}


@pytest.mark.parametrize("peer", ["10.0.4.9", "127.0.0.1", "::2", "testclient", "::ffff:10.0.4.9"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"X-Forwarded-For": "10.0.3.9"},
        {"X-Real-IP": "10.0.3.9", "Forwarded": "for=10.0.3.9"},
        {who.BELIEVED: "guess"},
        {who.BELIEVED.upper(): "true"},
    ],
)
def test_nobody_else_does_whatever_they_write(configured: Callable[..., None], peer: str, more: dict) -> None:
    configured(access=PROXY)
    told = client(peer).get("/who", headers={**ANN, "X-Forwarded-Groups": "heads", **more})
    assert told.status_code == 403 and "people who signed in" in told.json()["refused"]


def test_a_proxy_that_says_honestly_whom_it_forwards_for_is_believed(configured: Callable[..., None]) -> None:
    configured(access=PROXY | {"proxies": ["127.0.0.1"]})
    told = client("127.0.0.1").get("/who", headers={**ANN, "X-Forwarded-For": "192.0.2.7"})
    assert told.json()["role"] == "member"


def test_a_server_that_does_not_say_where_connections_come_from_believes_nobody(
    configured: Callable[..., None],
) -> None:
    configured(access=PROXY)
    app = Starlette(routes=[Route("/who", asked)], middleware=[Middleware(Proxies)])
    assert TestClient(app, client=("10.0.3.9", 5000)).get("/who", headers=ANN).status_code == 403


def test_a_header_that_is_there_twice_is_not_believed(configured: Callable[..., None]) -> None:
    configured(access=PROXY)
    twice = [("X-Forwarded-Email", "olga@uni.edu"), ("X-Forwarded-Email", "ann@uni.edu")]
    assert client().get("/who", headers=twice).status_code == 403
    hidden = [*ANN.items(), ("X-Forwarded-Groups", "heads"), ("x-forwarded-groups", "")]
    assert client().get("/who", headers=hidden).status_code == 403


def test_somebody_whom_the_lists_do_not_name_is_told_so(configured: Callable[..., None]) -> None:
    configured(access=PROXY)
    told = client().get("/who", headers={"X-Forwarded-Email": "eve@evil.org"}).json()
    assert "signed in as eve@evil.org, who is not on the list" in told["refused"]


def test_without_a_proxy_login_such_headers_mean_nothing(configured: Callable[..., None]) -> None:
    configured(access={"proxies": ["10.0.3.9"], "members": ["@uni.edu"]})
    assert client().get("/who", headers=ANN).json()["id"].startswith("browser:")


@pytest.mark.parametrize(
    ("peer", "headers", "role"),
    [
        ("127.0.0.1", {"host": "localhost:8501"}, "operator"),
        ("::1", {"host": "[::1]:8501"}, "operator"),
        ("10.0.0.7", {"host": "localhost:8501"}, "member"),
        ("127.0.0.1", {"host": "evil.example:8501"}, "member"),
        ("127.0.0.1", {"host": "localhost", "x-forwarded-for": "127.0.0.1"}, "member"),
        ("127.0.0.1", {"host": "localhost", "via": "1.1 proxy"}, "member"),
        ("127.0.0.1", {"host": "localhost", "X-Forwarded-Proto": "https"}, "member"),
    ],
)
def test_without_a_login_only_whoever_sits_at_the_machine_operates_it(peer: str, headers: dict, role: str) -> None:
    assert client(peer).get("/who", headers=headers).json()["role"] == role


def test_a_browser_is_given_a_name_once_and_keeps_it() -> None:
    browser = client()
    given = browser.get("/page").headers.get_list("set-cookie")
    assert len(given) == 2 and given[1].startswith(f"{browsers.cookie()}=")
    assert "HttpOnly" in given[1] and "SameSite=Lax" in given[1] and "Secure" not in "".join(given)
    assert browser.get("/page").headers.get_list("set-cookie") == ["theirs=1; Path=/"]
    assert browser.get("/who").json()["id"] == browser.get("/who").json()["id"]


@pytest.mark.parametrize("forged", ["gallery", "local", "the server", "a.b", f"{'a' * 22}.{'0' * 64}"])
def test_a_name_that_we_did_not_give_is_replaced(forged: str) -> None:
    browser = client()
    browser.cookies.set(browsers.cookie(), forged)
    assert forged not in browser.get("/who").json()["id"]
    assert any(cookie.startswith(browsers.cookie()) for cookie in browser.get("/page").headers.get_list("set-cookie"))


def secret_of(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the server is another one of the same host, as behind another port."""
    monkeypatch.setenv(browsers.VARIABLE, f"{number:032}")
    browsers.secret.cache_clear()


def test_servers_of_one_host_leave_each_others_names_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    browser, ids = client(), {}
    for number in (1, 2, 1, 2):
        secret_of(number, monkeypatch)
        browser.get("/page")
        ids.setdefault(number, browser.get("/who").json()["id"])
        assert browser.get("/who").json()["id"] == ids[number]
    assert ids[1] != ids[2]


def test_who_had_a_name_under_the_former_cookie_keeps_it_under_todays() -> None:
    browser, name = client(), browsers.new()
    browser.cookies.set(browsers.FORMER, name)
    before = browser.get("/who").json()["id"]
    assert before == f"browser:{browsers.name_in(name)}"
    assert browser.get("/page").headers.get_list("set-cookie")[1].startswith(f"{browsers.cookie()}={name};")
    browser.cookies.delete(browsers.FORMER)
    browser.cookies.set(browsers.FORMER, browsers.new())
    assert browser.get("/who").json()["id"] == before, "what stands there later does not count"


def test_a_name_of_another_server_under_the_former_cookie_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    secret_of(1, monkeypatch)
    theirs = browsers.new()
    secret_of(2, monkeypatch)
    browser = client()
    browser.cookies.set(browsers.FORMER, theirs)
    given = browser.get("/page").headers.get_list("set-cookie")[1:]
    assert len(given) == 1 and theirs not in given[0] and browser.cookies[browsers.FORMER] == theirs


def test_a_server_with_another_secret_after_each_restart_leaves_few_cookies_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arrivals, "MOST_SERVERS", 3)
    browser, names = client(), []
    browser.cookies.set("_streamlit_xsrf", "kept")
    for number in range(8):
        secret_of(number, monkeypatch)
        names.append(browsers.cookie())
        browser.get("/page")
    assert {*browser.cookies} == {"_streamlit_xsrf", "theirs", *names[-4:]}


@pytest.mark.parametrize("how", [{"base_url": "https://testserver"}, {"headers": {"X-Forwarded-Proto": "https"}}])
def test_behind_tls_every_cookie_goes_through_tls_alone(how: dict) -> None:
    given = client(**how).get("/page").headers.get_list("set-cookie")
    assert len(given) == 2 and all(cookie.endswith("; Secure") for cookie in given)


def test_in_a_frame_of_another_site_a_browser_keeps_its_name(configured: Callable[..., None]) -> None:
    configured(operating={"frame_ancestors": ["https://huggingface.co"]})
    given = client(base_url="https://testserver").get("/page").headers.get_list("set-cookie")[1]
    assert given.split("; ")[2:] == ["HttpOnly", "SameSite=None", "Secure", "Partitioned", f"Max-Age={arrivals.YEAR}"]
    assert "SameSite=Lax" in client().get("/page").headers.get_list("set-cookie")[1], "which needs TLS"


@pytest.mark.parametrize("how", ["", "?raise=1"])
def test_where_signing_in_fails_a_page_says_so_with_an_id_and_no_details(
    how: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = client(raise_server_exceptions=False).get(f"/oauth2callback{how}")
    assert told.status_code == 502 and "Signing in failed" in told.text and "secret detail" not in told.text
    (number,) = {word for word in told.text.split() if len(word) == 9 and word.endswith(":")}
    assert number.strip(":") in caplog.text
