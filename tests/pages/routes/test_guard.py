"""Foreign hosts are refused, and what is for operators is closed to everybody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit import config as streamlit_config

from pages.routes import served
from pages.routes.arrivals import SeesPeers
from pages.routes.guard import is_operator

TOKEN = "a secret of this test".replace(" ", "-")
INSIDE = ("127.0.0.1", 50000)
BOXES = ("/_stcore/upload_file", "/sub/_stcore/upload_file")


async def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse("the page")


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("welcome")
    await websocket.close()


def client(peer: tuple[str, int] = INSIDE, host: str = "localhost") -> TestClient:
    paths = ("/", "/_stcore/metrics", "/sub/_stcore/metrics", "/_stcore/agent/interact")
    files = [Route(f"{path}/{{session}}/{{file}}", page, methods=["PUT", "DELETE"]) for path in BOXES]
    streams = [WebSocketRoute("/_stcore/stream", socket)]
    routes = [*(Route(path, page) for path in paths), *files, *streams, *served.routes()]
    return TestClient(Starlette(routes=routes, middleware=served.MIDDLEWARE), base_url=f"http://{host}", client=peer)


def connect(host: str) -> WebSocketTestSession:
    return client().websocket_connect("/_stcore/stream", headers={"host": host})


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set Streamlit's options for one test: `options(allowedHosts=[...])`."""
    usual = streamlit_config.get_option

    def choose(**chosen: object) -> None:
        named = {f"server.{name}": value for name, value in chosen.items()}
        monkeypatch.setattr("streamlit.config.get_option", lambda name: named[name] if name in named else usual(name))

    return choose


def test_without_a_list_of_hosts_any_name_will_do_for_a_server_that_others_reach(options: Callable[..., None]) -> None:
    options(address="0.0.0.0")
    assert client(host="whatever.example").get("/").status_code == 200


def test_a_page_from_elsewhere_cannot_lure_a_browser_to_the_server_of_this_machine(
    options: Callable[..., None],
) -> None:
    options(address="localhost")
    assert client(host="evil.example").get("/").status_code == 403
    with pytest.raises(WebSocketDisconnect), connect("evil.example:8501"):
        pass
    for own in ("localhost:8501", "127.0.0.1", "[::1]:8501"):
        assert client(host=own).get("/").status_code == 200
    proxied = client(host="vitrine.example.org").get("/", headers={"x-forwarded-for": "192.0.2.7"})
    assert proxied.status_code == 200, "a proxy on this machine says that it is one"


def test_a_foreign_host_gets_no_page_and_no_websocket(options: Callable[..., None]) -> None:
    options(allowedHosts=["vitrine.example.org", "*.lab.example.org"])
    for host in ("evil.example", "vitrine.example.org.evil.example", "localhost"):
        answer = client(host=host).get("/")
        assert answer.status_code == 403 and "under that name" in answer.json()["error"]
        with pytest.raises(WebSocketDisconnect), connect(host):
            pass
    for host in ("vitrine.example.org", "VITRINE.example.org:8443", "a.lab.example.org"):
        assert client(host=host).get("/").text == "the page"
    with connect("vitrine.example.org") as connected:
        assert connected.receive_text() == "welcome"


def test_a_health_check_that_asks_by_address_is_answered(options: Callable[..., None]) -> None:
    options(allowedHosts=["vitrine.example.org"])
    assert client(host="10.1.2.3:8501").get("/api/health").json() == {"status": "alive"}
    assert client(host="10.1.2.3:8501").get("/api/ready").status_code in (200, 503)
    assert client(host="10.1.2.3:8501").get("/api/other").status_code == 403
    assert client(host="10.1.2.3:8501").get("/media/api/health").status_code == 403
    options(allowedHosts=["vitrine.example.org"], baseUrlPath="/tools/")
    assert client(host="10.1.2.3:8501").get("/media/api/health").status_code == 403
    assert client(host="10.1.2.3:8501").get("/tools/api/health").status_code != 403


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/sub/_stcore/metrics"])
def test_without_a_secret_metrics_are_for_the_machine_itself(path: str) -> None:
    assert client().get(path).text == "the page"
    assert client(("::1", 1)).get(path).status_code == client(("::ffff:127.0.0.1", 1)).get(path).status_code == 200
    assert client(("192.168.1.7", 1)).get(path).status_code == 403
    assert client(("not an address", 1)).get(path).status_code == 403


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Proto", "X-Forwarded-Host", "Via"]
)
def test_what_a_proxy_on_this_machine_hands_on_is_not_the_machine_itself(header: str) -> None:
    assert client().get("/_stcore/metrics", headers={header: "127.0.0.1"}).status_code == 403


def test_a_proxy_that_says_nothing_of_itself_is_known_by_the_name_that_people_type() -> None:
    assert client(host="vitrine.example.org").get("/_stcore/metrics").status_code == 403
    assert client(host="127.0.0.1:8501").get("/_stcore/metrics").status_code == 200


def test_with_a_secret_metrics_are_for_whoever_shows_it(configured: Callable[..., None]) -> None:
    configured(operating={"metrics_token": TOKEN})
    far = client(("192.168.1.7", 1))
    assert far.get("/_stcore/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    for given in ("", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN):
        assert far.get("/_stcore/metrics", headers={"Authorization": given}).status_code == 403
        assert client().get("/_stcore/metrics", headers={"Authorization": given}).status_code == 403
    odd = HTTPConnection({"type": "http", "headers": [(b"authorization", b"Bearer \xe9")], "client": INSIDE})
    assert not is_operator(odd)


def test_settings_that_cannot_be_read_open_nothing(tmp_path, monkeypatch) -> None:
    from engine.core import config

    (tmp_path / "broken.toml").write_text("no = such = thing")
    monkeypatch.setenv("VITRINE_CONFIG", str(tmp_path / "broken.toml"))
    config.settings.cache_clear()
    assert client(("192.168.1.7", 1)).get("/_stcore/metrics").status_code == 403
    assert client().get("/").status_code == 200, "pages say what is wrong with the settings"
    config.settings.cache_clear()


def test_the_interface_for_agents_is_not_there_unless_it_is_on(options: Callable[..., None]) -> None:
    assert client().get("/_stcore/agent/interact").status_code == 404
    options(enableAgentApi=True)
    assert client().get("/_stcore/agent/interact").status_code == 200


@pytest.mark.parametrize("path", BOXES)
def test_a_file_is_taken_from_members_alone_whoever_has_a_session(path: str, configured: Callable[..., None]) -> None:
    asked = client(("192.168.1.7", 1))
    for visitors, status in (("refused", 403), ("viewer", 403), ("member", 200), ("auto", 200)):
        configured(access={"visitors": visitors})
        assert asked.put(f"{path}/a-session/an-id", content=b"a photo").status_code == status
        assert asked.delete(f"{path}/a-session/an-id").status_code == 200, (
            "whoever has put nothing there removes nothing"
        )
    configured(access={"visitors": "viewer"})
    assert "You may not upload files here" in asked.put(f"{path}/a-session/an-id").json()["error"]


def test_a_member_whom_a_proxy_signed_in_puts_a_file_and_a_stranger_puts_none(configured: Callable[..., None]) -> None:
    configured(access={"login": "proxy", "proxies": ["192.0.2.1"], "members": ["ann@uni.edu"], "viewers": ["*"]})
    proxied = TestClient(SeesPeers(client().app, trusted_hosts=""), client=("192.0.2.1", 1))
    for user, status in (("ann@uni.edu", 200), ("vic@uni.edu", 403), ("", 403)):
        asked = proxied.put(f"{BOXES[0]}/s/f", headers={"X-Forwarded-Email": user} if user else {})
        assert asked.status_code == status


def test_below_a_path_that_a_proxy_adds_the_same_is_closed() -> None:
    below = TestClient(client().app, root_path="/tools", client=("192.168.1.7", 1))
    assert below.get("/_stcore/metrics").status_code == below.get("/api/metrics").status_code == 403
    assert below.get("/api/health").status_code == 200
