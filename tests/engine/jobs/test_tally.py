"""What ended is counted, by experiment and outcome."""

from __future__ import annotations

import time

import pytest

from engine.jobs.records import Job, Record
from engine.jobs.tally import BOUNDS, Tally
from tests.engine.jobs.playing import Play


def ended(status: str, ran: float | None) -> Record:
    record = Record(Job("key", Play(name="a")), {"somebody": ""})
    record.begun = None if ran is None else time.monotonic() - ran
    record.end(status, None)
    return record


def test_jobs_are_counted_by_how_they_ended_and_what_ran_by_its_seconds() -> None:
    tally = Tally()
    for status, ran in (("done", 0.5), ("done", 20.0), ("failed", 4.0), ("cancelled", None)):
        tally.note(ended(status, ran))
    name = Play.experiment
    assert tally.ended == {(name, "done"): 2, (name, "failed"): 1, (name, "cancelled"): 1}
    assert tally.seconds[name].count == 3 and 24 < tally.seconds[name].total < 26
    assert dict(zip(BOUNDS, tally.seconds[name].up_to, strict=True))[10.0] == 2


def test_a_clock_that_jumps_changes_no_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    tally, record = Tally(), ended("done", 4.0)
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + 1e9)
    tally.note(record)
    assert 3 < tally.seconds[Play.experiment].total < 5


def test_each_job_that_ends_is_one_line(caplog) -> None:
    with caplog.at_level("INFO", "engine.jobs.tally"):
        Tally().note(ended("done", 1.0))
    (line,) = caplog.records
    assert line.facts["status"] == "done" and line.facts["job"] == "key" and line.facts["persons"] == 1
