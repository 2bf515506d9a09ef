"""A batch of requests: who is asked when, seen from outside through the jobs it hands over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from engine.core.errors import Unavailable
from engine.jobs.progress import Snapshot
from pages.common.batch import Batch


class Line:
    """Stands in for the jobs: takes what is submitted, and lets the test say how each one goes."""

    def __init__(self) -> None:
        self.status: dict[str, Any] = {}
        self.asked: list[str] = []
        self.refuses = False
        self.wanted_by_others: set[str] = set()
        self.wanted_by_the_server: set[str] = set()
        self.cancelled = False

    def submit(self, request: Any, owner: str, batch: str) -> None:
        if self.refuses:
            raise Unavailable("The queue is full.")
        self.asked.append(request)
        self.status[request] = "queued"

    def snapshot(self, key: str) -> Snapshot:
        others = key in self.wanted_by_others
        quiet = key in self.wanted_by_the_server and self.cancelled
        return Snapshot(self.status[key], persons=others + (not self.cancelled), quiet=quiet)

    def active(self) -> list[Any]:
        return [SimpleNamespace(id=key) for key, status in self.status.items() if status in ("queued", "running")]

    def cancel(self, key: str, owner: str) -> bool:
        self.cancelled = True
        if key in self.wanted_by_others | self.wanted_by_the_server or self.status[key] not in ("queued", "running"):
            return False
        self.status[key] = "cancelled"
        return True


@pytest.fixture
def line() -> Any:
    return Line()


def batch() -> Batch:
    return Batch({key: key for key in ("one", "two", "three")}, "somebody")  # type: ignore[misc]


def test_all_stand_in_line_at_once_in_their_order(line: Any) -> None:
    rows = batch()
    rows.advance(line)
    rows.advance(line)
    assert line.asked == ["one", "two", "three"] and rows.waiting() == []


def test_what_failed_is_not_asked_for_again(line: Any) -> None:
    rows = batch()
    rows.advance(line)
    line.status |= {"one": "failed", "two": "failed"}
    for _ in range(3):
        rows.advance(line)
    assert line.asked == ["one", "two", "three"]


def test_cancelling_stops_what_is_on_and_asks_for_nothing_more(line: Any) -> None:
    rows = batch()
    rows.advance(line)
    rows.requests["four"] = "four"  # type: ignore[assignment]
    rows.cancel(line)
    rows.advance(line)
    assert line.asked == ["one", "two", "three"] and rows.waiting() == []
    assert set(line.status.values()) == {"cancelled"} and not rows.shared


def test_what_only_the_server_wants_is_not_on_its_way_for_whoever_cancelled(line: Any) -> None:
    rows = batch()
    rows.advance(line)
    line.status["one"] = "running"
    line.wanted_by_the_server = {"one"}
    assert "one" in rows.coming(line)
    rows.cancel(line)
    assert rows.coming(line) == set() and not rows.shared and line.status["one"] == "running"


def test_a_cancelled_batch_knows_whether_somebody_else_keeps_a_job_going(line: Any) -> None:
    rows = batch()
    rows.advance(line)
    line.status["one"] = "done"
    line.wanted_by_others = {"two"}
    rows.cancel(line)
    assert rows.shared and line.status == {"one": "done", "two": "queued", "three": "cancelled"}


def test_a_first_refusal_is_told_and_a_later_one_waited_out(line: Any) -> None:
    rows = batch()
    line.refuses = True
    with pytest.raises(Unavailable):
        rows.advance(line)
    line.refuses = False
    rows.advance(line)
    assert line.asked == ["one", "two", "three"]
    rows.requests["four"] = "four"  # type: ignore[assignment]
    line.refuses = True
    rows.advance(line)
    assert rows.waiting() == ["four"]
    line.refuses = False
    rows.advance(line)
    assert rows.waiting() == []


def test_what_is_coming_is_what_runs_waits_or_is_still_to_be_asked_for(line: Any) -> None:
    rows = batch()
    rows.advance(line)
    assert rows.coming(line) == {"one", "two", "three"}
    line.status |= {"one": "done", "two": "failed"}
    assert rows.coming(line) == {"three"}
    rows.cancel(line)
    assert rows.coming(line) == set()
