"""What a Prometheus server reads."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from engine.core import config
from engine.jobs import scheduler
from pages.common import serve
from pages.routes import metrics, served
from tests.engine.jobs.playing import Play


def client(peer: str = "127.0.0.1") -> TestClient:
    app = Starlette(routes=served.routes(), middleware=served.MIDDLEWARE)
    return TestClient(app, base_url="http://localhost", client=(peer, 1))


def numbers() -> dict[str, float]:
    pytest.importorskip("prometheus_client")
    answer = client().get("/api/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_strangers_do_not_read_them() -> None:
    assert client("192.168.0.9").get("/api/metrics").status_code == 403


def test_before_the_engine_is_there_they_tell_of_server_and_store(own_store: Path, monkeypatch) -> None:
    monkeypatch.setattr(serve, "is_ready", lambda: False)
    found = numbers()
    assert found["vitrine_ready"] == 0 and found["vitrine_cache_limit_bytes"] == config.store().limit_bytes
    assert not any(name.startswith("vitrine_jobs") for name in found)


def test_jobs_and_reads_of_the_cache_are_counted(own_store: Path, monkeypatch) -> None:
    warmth = type("Warm", (), {"error": None})
    monkeypatch.setattr(serve, "is_ready", lambda: True)
    monkeypatch.setattr(serve, "warm_up", lambda: warmth)
    line = scheduler.jobs()
    for name, act in (("a", ""), ("b", "bug"), ("a", "")):
        line.wait(line.submit(Play(name=name, act=act)), 30)
    found = numbers()
    assert found['vitrine_jobs_ended_total{experiment="play",status="done"}'] == 1
    assert found['vitrine_jobs_ended_total{experiment="play",status="failed"}'] == 1
    assert found['vitrine_job_seconds_bucket{experiment="play",le="+Inf"}'] == 2
    assert found['vitrine_jobs{status="running"}'] == found['vitrine_jobs{status="queued"}'] == 0
    hits = found['vitrine_cache_reads_total{outcome="hit"}']
    assert 1 <= hits <= config.store().reads()["hit"], "the worker may have read since"
    assert found["vitrine_cache_results"] == 1 and found["vitrine_ready"] == 1
    assert found['vitrine_host_memory_bytes{kind="total"}'] > 0


def test_without_the_client_of_prometheus_a_sentence_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    answer = client().get("/api/metrics")
    assert answer.status_code == 503 and answer.json() == {"error": metrics.ABSENT}
