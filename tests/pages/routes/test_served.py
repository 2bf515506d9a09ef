"""What the server answers beside its pages, asked over HTTP in memory."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit import config as streamlit_config

from engine.core.errors import Unavailable
from pages.routes import answers, served


def client(*more: Route, **options: object) -> TestClient:
    """The server's routes and layers without its pages; `more`: routes of this test."""
    app = Starlette(routes=[*more, *served.routes()], middleware=served.MIDDLEWARE)
    return TestClient(app, raise_server_exceptions=False, **options)


def test_it_is_alive_at_once_and_an_unknown_address_is_not_the_app() -> None:
    asked = client()
    assert asked.get("/api/health").json() == {"status": "alive"}
    assert asked.get("/api/unheard-of").status_code == 404
    assert asked.post("/api/unheard-of").json() == {"error": "There is nothing under this address."}


def test_a_failure_is_a_sentence_and_an_id_that_the_log_has_too(caplog) -> None:
    def fails(request: object) -> None:
        raise RuntimeError("/home/somebody/secret.txt")

    def says(request: object) -> None:
        raise Unavailable("The queue is full.")

    asked = client(Route("/fails", fails), Route("/says", says))
    answer = asked.get("/fails")
    number = answer.json()["error"].rpartition(" ")[2].rstrip(".")
    assert answer.status_code == 500 and "secret" not in answer.text and number in caplog.text
    assert (asked.get("/says").status_code, asked.get("/says").json()) == (503, {"error": "The queue is full."})


def test_below_a_sub_path_routes_answer_there_and_at_the_root(monkeypatch) -> None:
    set_option = streamlit_config.get_option
    monkeypatch.setattr(
        streamlit_config,
        "get_option",
        lambda name: "tools/vitrine" if name == "server.baseUrlPath" else set_option(name),
    )
    asked = client()
    assert asked.get("/tools/vitrine/api/health").status_code == asked.get("/api/health").status_code == 200
    assert asked.get("/tools/vitrine/api/unheard-of").json() == {"error": "There is nothing under this address."}
    below = client(*served.routes(), Route("/tools/vitrine/", lambda request: answers.told("the app")))
    assert below.get("/tools/vitrine/").json() == "the app", "they leave the rest of the path to the app"
