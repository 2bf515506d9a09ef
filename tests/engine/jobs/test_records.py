"""What is remembered of jobs: how many may be asked for at once, who may still join one, and the last of those that ended."""

from __future__ import annotations

import pytest

from cache.store import ResultStore
from engine.core.errors import OutOfTime, Unavailable
from engine.core.settings.limits import Limits
from engine.jobs.records import Job, Record, Records
from engine.jobs.scheduler import Jobs
from engine.people.person import Person
from tests.engine.jobs.playing import SECONDS, Play, Stage


def test_the_queue_and_each_owners_share_of_it_have_limits(store: ResultStore, stage: Stage) -> None:
    jobs = Jobs(store, limits=Limits(jobs_per_person=2, jobs_waiting=3))
    gate = stage.gate("a1")
    jobs.submit(Play(name="a1"), Person("a"))
    stage.wait_for("a1")
    jobs.submit(Play(name="a2"), Person("a"))
    with pytest.raises(Unavailable, match="already have 2 jobs queued or running"):
        jobs.submit(Play(name="a3"), Person("a"))
    jobs.submit(Play(name="b1"), Person("b"))
    jobs.submit(Play(name="b2"), Person("b"))
    with pytest.raises(Unavailable, match=r"queue is full \(3 jobs\)"):
        jobs.submit(Play(name="c1"), Person("c"))
    jobs.submit(Play(name="b2"), Person("c"))  # joining costs nothing
    assert jobs.cancel(Play(name="a2").key(), Person("a"))
    jobs.submit(Play(name="a3"), Person("a"))
    gate.set()
    assert jobs.wait(Play(name="a3").key(), SECONDS).status == "done"
    assert "a2" not in stage.ran
    jobs.close()


def test_a_batch_counts_as_one_job_and_is_worked_off_though_nobody_watches(store: ResultStore, stage: Stage) -> None:
    jobs = Jobs(store, limits=Limits(jobs_per_person=2, jobs_waiting=2))
    gate = stage.gate("w1")
    for name in ("w1", "w2", "w3", "w4"):
        jobs.submit(Play(name=name), Person("a"), batch="a wall")
    jobs.submit(Play(name="a1"), Person("a"))
    with pytest.raises(Unavailable, match=r"queue is full \(2 jobs\)"):
        jobs.submit(Play(name="b1"), Person("b"))
    assert jobs.cancel(Play(name="a1").key(), Person("a"))
    jobs.submit(Play(name="b1"), Person("b"))
    gate.set()
    for name in ("w4", "b1"):
        assert jobs.wait(Play(name=name).key(), SECONDS).status == "done"
    assert stage.ran == ["w1", "b1", "w2", "w3", "w4"]  # another owner's turn comes before the rest of a wall
    jobs.close()


def test_the_jobs_that_ended_last_are_remembered_up_to_a_limit(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.jobs.records.REMEMBERED_JOBS", 3)
    handles = [jobs.submit(Play(name=f"k{number}")) for number in range(1)]
    for number in range(1, 8):
        jobs.wait(handles[-1], SECONDS)
        handles.append(jobs.submit(Play(name=f"k{number}")))
    jobs.wait(handles[-1], SECONDS)
    # Three that had ended when the last one was asked for, and that one.
    assert [handle.request.name for handle in handles if jobs.job(handle.id)] == ["k4", "k5", "k6", "k7"]
    assert jobs.snapshot(handles[0]).status == "done"  # known from the store


def test_a_newcomer_joins_what_waits_or_runs_and_nothing_that_is_over_or_stopping() -> None:
    records = Records(Limits())
    records.remember(record := Record(Job("k", Play(name="a")), {"one": "k"}))
    assert records.to_join("other") is None
    for status, joined in (
        ("queued", True),
        ("running", True),
        ("done", False),
        ("failed", False),
        ("cancelled", False),
    ):
        record.status = status
        assert (records.to_join("k") is record) == joined
    record.status, record.stopping = "running", True
    assert records.to_join("k") is None


def test_the_time_that_a_job_waits_elsewhere_is_not_time_that_it_takes() -> None:
    records, record = Records(Limits(seconds_per_job=60)), Record(Job("k", Play(name="a")), {"ann": "k"})

    def after_an_hour(waits: bool) -> None:
        record.goes_on(None, waits)
        if record.begun is not None:
            record.begun -= 3600.0
        record.goes_on(None, waits)
        records.refuse_when_late(record)

    record.start()
    after_an_hour(waits=True)
    with pytest.raises(OutOfTime, match="longer than the 60 seconds"):
        after_an_hour(waits=False)
    after_an_hour(waits=True)  # its worker died, and it waits for another


def test_a_job_makes_room_only_where_those_that_wait_and_those_that_stay_take_all_places() -> None:
    records = Records(Limits())
    parts = [Record(Job(name, Play(name=name)), {"ann": "sweep/1"}) for name in "abcd"]
    for each in parts:
        records.remember(each)
        each.start()

    def leave(waiting: int, slots: int) -> list[bool]:
        return [records.makes_room(each, waiting, slots, 3.0) for each in parts]

    assert leave(0, 4) == [False] * 4 == leave(1, 5), "nobody waits, or there is a place"
    assert leave(1, 4) == [True, False, False, False] and leave(3, 4) == [True, True, True, False]
    assert leave(1, 1) == [True] * 4, "so many that all of them are too many"
    parts[0].put_back()
    assert [records.makes_room(each, 1, 4, 3.0) for each in parts[1:]] == [False] * 3, "one of them left"
