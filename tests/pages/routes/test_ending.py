"""Asked to stop, the server drains first, unless it is asked twice; and a real one ends a running job in its own time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from pages.routes import ending, health


@pytest.fixture(autouse=True)
def not_ending() -> Iterator[None]:
    yield
    ending.ENDING.clear()


class Line:
    """Jobs of which one runs until it is let go."""

    def __init__(self) -> None:
        self.running, self.given = threading.Event(), 0.0

    def counts(self) -> dict[str, int]:
        return {"running": 1, "queued": 2}

    def drain(self, seconds: float) -> bool:
        self.given = seconds
        return self.running.wait(5)


def test_it_stops_once_the_running_job_has_ended_and_says_meanwhile_that_it_is_not_ready(monkeypatch) -> None:
    line, stopped = Line(), threading.Event()
    monkeypatch.setattr(ending, "_jobs", lambda: line)
    handler = ending.asked(lambda number, frame: stopped.set(), 12.0)
    handler(signal.SIGTERM, None)
    assert health.why_not()[0] == "The server is about to stop."
    assert not stopped.wait(0.05) and line.given == 12.0
    line.running.set()
    assert stopped.wait(5)


def test_asked_twice_it_stops_at_once(monkeypatch) -> None:
    line, stopped = Line(), threading.Event()
    monkeypatch.setattr(ending, "_jobs", lambda: line)
    handler = ending.asked(lambda number, frame: stopped.set(), 12.0)
    handler(signal.SIGTERM, None)
    handler(signal.SIGTERM, None)
    assert stopped.is_set()
    line.running.set()


def test_a_server_without_jobs_stops_at_once_and_begins_none() -> None:
    stopped = threading.Event()
    ending.asked(lambda number, frame: stopped.set(), 12.0)(signal.SIGTERM, None)
    assert stopped.wait(5)


def test_only_while_the_server_lives_the_signal_is_ours() -> None:
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        ours = signal.getsignal(signal.SIGTERM)
        with ending.drained_first(1.0):
            assert signal.getsignal(signal.SIGTERM) is not ours
        assert signal.getsignal(signal.SIGTERM) is ours
    finally:
        signal.signal(signal.SIGTERM, before)
