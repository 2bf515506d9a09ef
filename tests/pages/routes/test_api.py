"""What scripts may ask over HTTP: with a token alone, with its person's role and limits, and nothing of anybody else's."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cache.blob import Blob
from engine.core import config
from engine.core.request import build
from engine.evaluation.index import IndexRequest
from engine.jobs.progress import Snapshot
from engine.jobs.scheduler import Jobs, jobs
from engine.people import audit, browsers
from engine.people.person import Person, Role
from engine.sharing import history, recording, tokens
from engine.sharing.database import database
from engine.sharing.history import Wanted
from pages.common import serve
from tests.engine.jobs.playing import STAGE, Play
from tests.engine.sharing.conftest import stored
from tests.engine.sharing.test_history import VIT, plant
from tests.pages.routes.test_served import client

ANN = Person("proxy:ann@example.org", "Ann", "member", frozenset({"vision"}), "ann@example.org")
VIC = Person("proxy:vic@example.org", "Vic", "viewer", frozenset(), "vic@example.org")
ACCESS = {
    "login": "proxy",
    "proxies": ["127.0.0.1"],
    "members": ["ann@example.org"],
    "viewers": ["vic@example.org"],
}


@pytest.fixture(autouse=True)
def apart(own_store: Path, configured: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    configured(access=ACCESS)
    monkeypatch.setattr(serve, "is_ready", lambda: True)
    yield
    database().close()


def asked(person: Person | None = ANN, role: Role | None = None) -> TestClient:
    """The server as this person's script sees it."""
    made = client()
    if person is not None:
        made.headers["Authorization"] = f"Bearer {tokens.make(person, 'a', 1, role or person.role)}"
    return made


def test_a_token_says_who_asks() -> None:
    assert asked().get("/api/v1/me").json() == {"name": "Ann", "role": "member"}
    assert asked(ANN, "viewer").get("/api/v1/me").json()["role"] == "viewer"


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer nonsense", "Basic YTpi", "Bearer vit_000000000000_" + "A" * 43],
)
@pytest.mark.parametrize("path", ["me", "jobs/x", "results/x", "history"])
def test_without_a_token_that_holds_nothing_is_answered(header: str | None, path: str) -> None:
    made = client()
    answer = made.get(f"/api/v1/{path}", headers={} if header is None else {"Authorization": header})
    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
    assert "token" in answer.json()["error"]


def test_a_browsers_cookie_or_a_proxys_word_is_no_token() -> None:
    made = client()
    made.cookies.set(browsers.cookie(), browsers.new())
    assert made.get("/api/v1/me", headers={"X-Forwarded-Email": "ann@example.org"}).status_code == 401


def test_whoever_is_taken_off_the_list_is_refused_at_once(configured: Callable[..., None]) -> None:
    made = asked()
    configured(access={**ACCESS, "members": ["somebody@else.org"]})
    answer = made.get("/api/v1/me")
    assert answer.status_code == 403 and "not on the list" in answer.json()["error"]


def test_a_request_is_submitted_watched_and_fetched() -> None:
    request = build(IndexRequest, model="starter-vit", site="blocks.0.mlp.hidden")
    stored(request.key(), **json.loads(request.canonical()))
    made = asked()
    answer = made.post("/api/v1/jobs", json={"request": json.loads(request.canonical())})
    assert answer.status_code in (200, 202) and answer.json()["key"] == request.key()
    assert made.get(f"/api/v1/jobs/{request.key()}").json()["status"] == "done"
    fetched = made.get(f"/api/v1/results/{request.key()}")
    blob = Blob.from_bytes(fetched.content)
    assert blob.facts["request"]["site"] == "blocks.0.mlp.hidden" and fetched.headers["X-Vitrine-Key"]
    packed = made.get(f"/api/v1/results/{request.key()}", params={"as": "zip"})
    assert "request.json" in " ".join(zipfile.ZipFile(io.BytesIO(packed.content)).namelist())
    recording.recorder().settle()


def test_what_a_script_reads_is_noted_down() -> None:
    stored()
    made = asked(VIC)
    for path in (f"results/{'a' * 26}", "results/nothing", "history"):
        made.get(f"/api/v1/{path}")
    noted = [(line["name"], line["did"], line["outcome"]) for line in audit.lines()]
    assert noted[:3] == [("Vic", "search", "done"), ("Vic", "read", "absent"), ("Vic", "read", "done")]


def test_a_viewer_fetches_and_computes_nothing() -> None:
    request = build(IndexRequest, model="starter-vit", site="blocks.1.mlp.hidden")
    made = asked(VIC)
    answer = made.post("/api/v1/jobs", json={"request": json.loads(request.canonical())})
    assert answer.status_code == 403 and "members" in answer.json()["error"]
    assert jobs().active() == []
    stored()
    assert made.get(f"/api/v1/results/{'a' * 26}").status_code == 200


def test_for_one_who_may_not_compute_no_model_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr("engine.evaluation.applies.sites_of", lambda name: loaded.append(name) or {})
    asks = {"request": {"experiment": "background", "model": "starter-vit"}}
    assert asked(VIC).post("/api/v1/jobs", json=asks).status_code == 403 and loaded == []
    assert asked().post("/api/v1/jobs", json=asks).status_code == 400 and loaded == ["starter-vit"]


def test_a_step_of_other_requests_is_not_submitted_alone() -> None:
    alone = {"experiment": "words", "reader": "starter-clip"}
    answer = asked().post("/api/v1/jobs", json={"request": alone})
    assert answer.status_code == 400 and "step of other requests" in answer.json()["error"]
    assert jobs().active() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"request": 3}',
        b'{"request": {"experiment": "no such"}}',
        b'{"request": {"experiment": "index", "model": "starter-vit"}}',
        b'{"request": {"experiment": "index", "model": "starter-vit", "site": "blocks.0.mlp.hidden", "more": 1}}',
        b'{"request": {"experiment": "index", "model": "../../etc/passwd", "site": "x"}}',
        b'{"request": {"experiment": "index", "model": "starter-vit", "site": "blocks.0.mlp.hidden", "data": "/etc"}}',
    ],
)
def test_what_is_no_request_is_refused_in_a_sentence(body: bytes) -> None:
    answer = asked().post("/api/v1/jobs", content=body)
    assert answer.status_code in (400, 503) and answer.json()["error"].endswith(".")
    assert jobs().active() == []


def test_a_body_without_end_is_not_read_to_its_end() -> None:
    answer = asked().post("/api/v1/jobs", content=b"x" * (2 << 20))
    assert answer.status_code == 400 and "too long" in answer.json()["error"]


def test_cancelling_is_for_ones_own_interest_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Jobs(config.store())
    monkeypatch.setattr("engine.jobs.scheduler.jobs", lambda: opened)
    STAGE.__init__()
    STAGE.gate("a")
    job = opened.submit(Play(name="a"), Person("proxy:ben@example.org", "Ben", "member"))
    STAGE.wait_for("a")
    assert asked().delete(f"/api/v1/jobs/{job.id}").json()["status"] == "running"
    opened.submit(Play(name="a"), ANN)
    assert asked().delete(f"/api/v1/jobs/{job.id}").json()["status"] == "running"
    STAGE.gate("a").set()
    assert opened.wait(job, 30).status == "done"
    opened.close()


def test_the_history_over_http_has_names_and_no_ids() -> None:
    plant(ANN, "k1", VIT, 100.0, started=90.0)
    plant(Person("proxy:ben@example.org", "Ben", "member", frozenset({"vision"})), "k2", VIT, 200.0)
    plant(VIC, "k3", VIT, 300.0)
    answer = asked().get("/api/v1/history", params={"whose": "group", "words": "vit"})
    assert [(line["key"], line["person"]) for line in answer.json()["lines"]] == [("k2", "Ben"), ("k1", "you")]
    assert "proxy:" not in answer.text
    everything = asked().get("/api/v1/history", params={"whose": "all", "most": "999999999", "start": "-1"})
    assert [line["key"] for line in everything.json()["lines"]] == ["k1"]
    assert history.search(Wanted(), ANN).count == 1


def test_a_script_is_not_told_where_things_lie_unless_an_operator_asks(
    monkeypatch: pytest.MonkeyPatch, configured: Callable[..., None], tmp_path: Path
) -> None:
    lost = f"{tmp_path}/secret/weights.npy cannot be read."
    monkeypatch.setattr(Jobs, "snapshot", lambda *_: Snapshot("failed", error=lost, message=lost))
    plant(ANN, "k1", VIT, 100.0, status="failed", error=lost)
    for role, tells in (("member", False), ("operator", True)):
        configured(access={**ACCESS, f"{role}s": ["ann@example.org"]})
        made = asked(replace(ANN, role=role))
        job, line = made.get("/api/v1/jobs/k1").json(), made.get("/api/v1/history").json()["lines"][0]
        assert [str(tmp_path) in each for each in (job["error"], job["message"], line["error"])] == [tells] * 3
        assert job["warning"] is None


@pytest.mark.parametrize("key", ["nothing", "..%2f..%2fetc%2fpasswd", "a" * 3000])
def test_a_result_that_is_not_there_is_a_sentence(key: str) -> None:
    answer = asked().get(f"/api/v1/results/{key}")
    assert answer.status_code == 404 and answer.json()["error"]


def test_while_the_engine_is_loading_scripts_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "is_ready", lambda: False)
    assert asked().get("/api/v1/me").status_code == 503
