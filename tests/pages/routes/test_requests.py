"""Each request is one line, under an id that its answer carries."""

from __future__ import annotations

import logging

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from engine.core import logs
from pages.routes import answers, requests


def page(request: Request) -> PlainTextResponse:
    return PlainTextResponse(logs.this_id())


def fails(request: Request) -> PlainTextResponse:
    raise RuntimeError("secret")


async def socket(websocket: WebSocket) -> None:
    if websocket.url.path == "/refused":
        await websocket.close()
        return
    await websocket.accept()
    await websocket.send_text(str(requests.COUNTS.sessions))
    await websocket.close()


PATHS = {"/": page, "/static/file.js": page, "/static/fails": fails, "/fails": fails}
APP = Starlette(
    routes=[
        *(Route(path, does) for path, does in PATHS.items()),
        *(WebSocketRoute(p, socket) for p in ("/ws", "/refused")),
    ],
    middleware=[Middleware(requests.Requests), Middleware(answers.Failures)],
)


@pytest.fixture
def asked(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(requests, "COUNTS", requests.Counts())
    caplog.set_level(logging.INFO)
    return TestClient(APP, raise_server_exceptions=False)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict]:
    return [{"message": line.message, **line.facts} for line in caplog.records if line.name == requests.__name__]


def test_a_request_is_one_line_and_its_id_is_known_where_it_is_answered(asked, caplog) -> None:
    answer = asked.get("/?token=secret")
    assert answer.headers["x-request-id"] == answer.text
    (line,) = lines(caplog)
    assert (line["method"], line["path"], line["status"], line["bytes"]) == ("GET", "/", 200, 8)
    assert "secret" not in str(line), "what stands behind the question mark may be a secret"


def test_what_a_page_loads_besides_is_told_only_where_it_fails(asked, caplog) -> None:
    asked.get("/static/file.js")
    assert lines(caplog) == []
    asked.get("/static/fails")
    assert [line["status"] for line in lines(caplog)] == [500]
    assert requests.COUNTS.answers == {"2xx": 1, "5xx": 1}


def test_the_id_in_a_persons_message_is_that_of_the_line(asked, caplog) -> None:
    answer = asked.get("/fails")
    number = answer.headers["x-request-id"]
    assert number in answer.json()["error"] and "secret" not in answer.text
    assert any(number in line.message and line.exc_info for line in caplog.records)


def test_sessions_are_counted_while_they_last(asked, caplog) -> None:
    with asked.websocket_connect("/ws") as connected:
        assert connected.receive_text() == "1"
    with pytest.raises(WebSocketDisconnect), asked.websocket_connect("/refused"):
        pass
    assert requests.COUNTS.sessions == 0
    assert [line["message"] for line in lines(caplog)] == ["session ended", "session refused"]


def test_a_run_of_a_page_is_a_line_too_also_where_it_is_stopped(asked, caplog) -> None:
    class Stopped(BaseException):
        """As Streamlit stops a script."""

    with pytest.raises(Stopped), requests.page_run("Concepts"):
        number = logs.this_id()
        raise Stopped
    assert lines(caplog)[0]["page"] == "Concepts" and requests.COUNTS.runs == {"Concepts": 1}
    assert number != logs.this_id()
