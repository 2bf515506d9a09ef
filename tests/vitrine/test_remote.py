"""A server asked from a script: over HTTP, with a token that goes nowhere else, and what comes back is checked."""

from __future__ import annotations

import inspect
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette

import vitrine
from cache.blob import Blob
from engine.core.errors import BadRequest, Unavailable, VitrineError
from engine.core.images import to_png
from engine.core.request import build
from engine.data import uploads
from engine.evaluation.index import IndexRequest
from engine.people.person import Person
from engine.sharing import tokens
from engine.sharing.database import database
from engine.visualization.request import VisualizeRequest
from pages.common import serve
from pages.routes import served
from tests.browser.driving import free_port
from tests.engine.sharing.conftest import stored
from tests.engine.sharing.test_history import VIT, plant

ME = Person("browser:me", "", "operator")
SITE = "blocks.0.mlp.hidden"


@pytest.fixture
def url(own_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server with the routes of the app, on a port of its own."""
    monkeypatch.setattr(serve, "is_ready", lambda: True)
    port = free_port()
    app = Starlette(routes=served.routes(), middleware=served.MIDDLEWARE)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
    database().close()


@pytest.fixture
def server(url: str) -> vitrine.Server:
    return vitrine.connect(url, tokens.make(ME, "a", 1, "operator"))


def test_the_server_says_whose_token_it_is(server: vitrine.Server) -> None:
    assert server.me == {"name": "", "role": "operator"} and "a visitor" in repr(server)
    assert {"visualize", "index", "background"} <= set(dir(server))


def test_an_experiment_on_the_server_gives_the_result_that_is_stored_there(server: vitrine.Server) -> None:
    request = build(IndexRequest, model="starter-vit", site=SITE)
    place = stored(request.key(), **json.loads(request.canonical()))
    result = server.index(f"starter-vit@{SITE}")
    assert (result.request["site"], result.key, result.images[0].size) == (SITE, place, (8, 8))
    job = server.submit("index", model="starter-vit", site=SITE)
    assert job.status["status"] == "done" and job.wait(5).key == place
    assert server.fetch_zip(job.key)[:2] == b"PK"


def test_what_the_server_refuses_is_its_sentence_here(server: vitrine.Server, url: str) -> None:
    with pytest.raises(BadRequest, match="no model"):
        server.submit("index", model="no-such-model", site=SITE)
    with pytest.raises(BadRequest, match="not stored here"):
        server.fetch("nothing")
    with pytest.raises(BadRequest, match="no experiment"):
        server.submit("no such")
    with pytest.raises(AttributeError):
        server.no_such  # noqa: B018
    viewer = vitrine.connect(url, tokens.make(ME, "b", 1, "viewer"))
    with pytest.raises(BadRequest, match="members"):
        viewer.submit("index", model="starter-vit", site=SITE)
    with pytest.raises(BadRequest, match="not valid here"):
        vitrine.connect(url, "vit_000000000000_" + "A" * 43)


def test_the_history_is_a_table(server: vitrine.Server) -> None:
    plant(ME, "k1", VIT, 100.0, started=90.0)
    found = server.search("vit", whose="mine")
    assert found[["key", "person", "seconds"]].values.tolist() == [["k1", "you", 10.0]]
    assert server.search("nothing of that").empty


def test_images_of_ones_own_are_not_sent(server: vitrine.Server) -> None:
    with pytest.raises(BadRequest, match="not sent"):
        server.submit("visualize", model="starter-vit", site=SITE, units=(1,), start=np.zeros((32, 32, 3), np.uint8))


def test_an_upload_on_the_server_is_named_as_the_server_names_it(server: vitrine.Server) -> None:
    name = f"up-{uploads.keep_image(to_png(np.zeros((32, 32, 3), np.uint8)), 'cat.png', ME)}"
    request = build(VisualizeRequest, model="starter-vit", site=SITE, units=(1,), start=name)
    place = stored(request.key(), **json.loads(request.canonical()))
    assert server.visualize(f"starter-vit@{SITE}:1", start=name).key == place
    assert server.submit("visualize", model="starter-vit", site=SITE, units=(1,), start=name).wait(5).key == place
    with pytest.raises(BadRequest, match="not sent"):
        server.visualize(f"starter-vit@{SITE}:1", start=np.zeros((32, 32, 3), np.uint8))
    assert "start" in inspect.signature(server.visualize).parameters


@pytest.mark.parametrize(
    "address", ["http://vitrine.example.org", "ftp://here", "vitrine.example.org", "https://me@here", "http://10.0.0.1"]
)
def test_a_token_is_not_shown_to_whoever_is_on_the_way(address: str) -> None:
    with pytest.raises(BadRequest):
        vitrine.connect(address, "vit_000000000000_" + "A" * 43)


class Liar(BaseHTTPRequestHandler):
    """A server that answers what a Vitrine server would not."""

    answers: dict[str, tuple[int, bytes, dict[str, str]]]
    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(f"{self.path} {self.headers.get('Authorization')}")
        status, body, headers = self.answers.get(self.path, (200, b'{"name": "", "role": "viewer"}', {}))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *rest: object) -> None:
        pass


@pytest.fixture
def liar() -> Iterator[tuple[str, type[Liar]]]:
    class One(Liar):
        answers, seen = {}, []

    made = HTTPServer(("127.0.0.1", 0), One)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_address[1]}", One
    made.shutdown()
    made.server_close()


def test_a_redirection_does_not_take_the_token_along(liar: tuple[str, type[Liar]]) -> None:
    address, answers = liar
    answers.answers["/api/v1/me"] = (302, b"", {"Location": f"{address}/elsewhere"})
    with pytest.raises(Unavailable, match="sent us on"):
        vitrine.connect(address, "t")
    assert len(answers.seen) == 1


@pytest.mark.parametrize(
    "body", [b"", b"\x80\x04\x95", b"VITRBLOB" + b"\0" * 100, Blob({}, {}, {"request": 1}).to_bytes()[:-1]]
)
def test_what_arrives_damaged_or_is_something_else_is_not_read(body: bytes, liar: tuple[str, type[Liar]]) -> None:
    address, answers = liar
    answers.answers["/api/v1/results/k"] = (200, body, {})
    with pytest.raises(Unavailable, match="arrived damaged"):
        vitrine.connect(address, "t").fetch("k")


def test_what_is_no_vitrine_server_is_said_to_be_none(liar: tuple[str, type[Liar]]) -> None:
    address, answers = liar
    answers.answers["/api/v1/me"] = (200, b"<html>", {})
    with pytest.raises(VitrineError, match="did not answer as a Vitrine server"):
        vitrine.connect(address, "t")
    with pytest.raises(Unavailable, match="cannot be reached"):
        vitrine.connect(f"http://127.0.0.1:{free_port()}", "t")
