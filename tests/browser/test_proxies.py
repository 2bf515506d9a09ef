"""The given files of nginx and Caddy in front of the real app, in a real browser: over TLS, below a sub-path, with websockets,
uploads, large cookies and closed metrics. Skipped where neither nginx nor Caddy is installed."""

from __future__ import annotations

import http.client
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.driving import AppServer, free_port, visit
from tests.browser.serving import server_in
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
SEARCHED = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
BELOW = "tools/vitrine"
SAYS_WHO = ("X-Forwarded-Email", "X-Forwarded-User", "X-Forwarded-Preferred-Username", "X-Forwarded-Groups")


class Proxy:
    """A proxy that is listening: its address, and how it is asked."""

    def __init__(self, port: int) -> None:
        self.port, self.url = port, f"https://localhost:{port}"

    def ask(
        self, path: str, method: str = "GET", body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer, without caring whose certificate it is."""
        link = http.client.HTTPSConnection("localhost", self.port, timeout=30, context=ssl._create_unverified_context())
        try:
            link.request(method, path, body or None, headers)
            answer = link.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):  # it refused before it had read everything
            return 413, {}, b""
        finally:
            link.close()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The app below a sub-path, for hosts that are called localhost."""
    server = server_in(tmp_path_factory.mktemp("behind"))
    server.options = {"server.baseUrlPath": BELOW, "server.address": "127.0.0.1", "server.allowedHosts": "localhost"}
    server.environment = {"VITRINE_SHIPPED_RESULTS": "true"}  # home hangs pictures
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for localhost, signed by itself."""
    folder = tmp_path_factory.mktemp("certificate")
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *files],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def proxy(kind: str, app: AppServer, certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with in_front(kind, app.port, certificate, tmp_path_factory.mktemp(kind)) as listening:
        yield listening


@contextmanager
def in_front(kind: str, behind: int, certificate: Path, folder: Path) -> Iterator[Proxy]:
    """A proxy of this kind in front of what listens `behind` it."""
    program = shutil.which(kind, path=SEARCHED)
    if program is None:
        pytest.skip(f"{kind} is not installed")
    listening = Proxy(free_port())
    settle = of_nginx if kind == "nginx" else of_caddy
    command, environment = settle(program, folder, listening.port, behind, certificate)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    try:
        wait_until(lambda: listening.ask("/api/health")[0] == 200, folder / "log")
        yield listening
    finally:
        process.terminate()
        process.wait(20)


class Reader(BaseHTTPRequestHandler):
    """Reads all that it is sent, as the app reads an upload that is welcome, and answers how much it was."""

    def do_GET(self) -> None:
        self.do_PUT()

    def do_PUT(self) -> None:
        size = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.send_response(200)
        for name in SAYS_WHO:
            self.send_header(f"Seen-{name}", self.headers.get(name, ""))
        self.end_headers()
        self.wfile.write(str(size).encode())


def of_nginx(program: str, folder: Path, port: int, behind: int, certificate: Path) -> tuple[list[str], dict[str, str]]:
    """nginx with the given file, at other ports, with another name and another certificate; nothing else is changed."""
    given = (DEPLOY / "nginx.conf").read_text()
    changed = {
        "listen 80;": f"listen 127.0.0.1:{free_port()};",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "vitrine.example.org": "localhost",
        "/etc/ssl/vitrine": str(certificate),
        "127.0.0.1:8501": f"127.0.0.1:{behind}",
        "proxy_set_header Host $host;": "proxy_set_header Host $http_host;",  # the browser names a port here
    }
    for old, new in changed.items():
        assert old in given
        given = given.replace(old, new)
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = (
        f"pid {folder}/pid;\ndaemon off;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{paths}{given}}}\n"
    )
    (folder / "nginx.conf").write_text(whole)
    return [program, "-e", "stderr", "-c", str(folder / "nginx.conf")], {}


def of_caddy(program: str, folder: Path, port: int, behind: int, certificate: Path) -> tuple[list[str], dict[str, str]]:
    """Caddy with the given file and a certificate of its own making; only its administration is turned off."""
    own = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"
    (folder / "Caddyfile").write_text(own + (DEPLOY / "Caddyfile").read_text())
    environment = {"SITE": f"https://localhost:{port}", "VITRINE": f"127.0.0.1:{behind}", "HOME": str(folder)}
    return [program, "run", "--config", str(folder / "Caddyfile")], environment


def wait_until(well: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if well():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the proxy does not answer:\n{log.read_text(errors='replace')}")


def test_a_page_below_a_sub_path_is_drawn_and_stays_connected(proxy: Proxy, new_page: Callable[..., Page]) -> None:
    page = visit(new_page(ignore_https_errors=True), f"{proxy.url}/{BELOW}/", 60)
    page.get_by_role("heading", name="Vitrine").first.wait_for()
    page.wait_for_function("() => [...document.images].some(image => image.complete && image.naturalWidth > 0)")
    page = visit(page, f"{proxy.url}/{BELOW}/models", 60)
    assert page.url.startswith(f"{proxy.url}/{BELOW}/models")


def test_each_answer_is_safe_in_a_browser(proxy: Proxy) -> None:
    status, headers, body = proxy.ask(f"/{BELOW}/")
    assert status == 200 and b"Streamlit" in body
    assert headers["strict-transport-security"].startswith("max-age=")
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    cookie = headers.get("set-cookie", "")
    assert "HttpOnly" in cookie and "Secure" in cookie


def test_strangers_see_no_metrics_and_no_page_under_another_name(proxy: Proxy) -> None:
    for path in ("/api/metrics", f"/{BELOW}/api/metrics", f"/{BELOW}/_stcore/metrics"):
        assert proxy.ask(path)[0] == 403
    assert (
        proxy.ask(f"/{BELOW}/", Host="evil.example")[0] in (403, 421)
        or proxy.ask(f"/{BELOW}/", Host="evil.example")[2] == b""
    )


def test_large_cookies_of_a_login_pass(proxy: Proxy) -> None:
    """A login's cookies are cut into pieces of 4 KiB; a dozen of groups makes three of them."""
    cookie = "; ".join(f"_streamlit_user_{number}={'x' * 4000}" for number in range(6))
    assert proxy.ask(f"/{BELOW}/", Cookie=cookie)[0] == 200


def test_an_upload_passes_what_is_larger_does_not_and_who_somebody_claims_to_be_is_taken_away(
    kind: str, certificate: Path, tmp_path: Path
) -> None:
    """Before something that reads whatever it is sent: the app itself refuses what nobody signed in for unread."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Reader)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with in_front(kind, server.server_port, certificate, tmp_path) as listening:
            status, _, body = listening.ask("/upload", "PUT", bytes(20 << 20))
            assert (status, body) == (200, str(20 << 20).encode())
            assert listening.ask("/upload", "PUT", bytes(27 << 20))[0] in (
                413,
                502,
            )  # Caddy: what stood behind it got less
            _, headers, body = listening.ask("/upload", "PUT", b"again", **dict.fromkeys(SAYS_WHO, "olga@uni.edu"))
            assert body == b"5" and {headers[f"seen-{name}".lower()] for name in SAYS_WHO} == {""}, (
                "no browser says who it is"
            )
    finally:
        server.shutdown()
