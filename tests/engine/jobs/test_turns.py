"""Whose job is next: owners take turns, and nobody fills the queue alone."""

from __future__ import annotations

import pytest

from cache.store import ResultStore
from engine.errors import Unavailable
from engine.jobs import Jobs
from engine.queue import FairQueue
from tests.engine.jobs.playing import SECONDS, Play, Stage


def test_owners_take_turns_and_each_owners_jobs_keep_their_order(store: ResultStore, stage: Stage) -> None:
    jobs = Jobs(store, jobs_per_owner=10)
    gate = stage.gate("first")
    jobs.submit(Play(name="first"), "greedy")
    stage.wait_for("first")
    for owner, names in {"greedy": "g1 g2 g3 g4", "modest": "m1 m2", "late": "l1"}.items():
        for name in names.split():
            jobs.submit(Play(name=name), owner)
    order = ["m1", "l1", "g1", "m2", "g2", "g3", "g4"]  # greedy had its turn: the first job
    assert [job.request.name for job in jobs.active()] == ["first", *order]  # type: ignore[attr-defined]
    assert [jobs.snapshot(Play(name=name).key()).position for name in order] == [1, 2, 3, 4, 5, 6, 7]
    assert jobs.snapshot(Play(name="first").key()).position is None
    gate.set()
    jobs.wait(Play(name="g4").key(), SECONDS)
    assert stage.ran == ["first", *order]
    jobs.close()


def test_between_two_jobs_of_one_owner_everyone_who_waits_has_a_turn() -> None:
    queue = FairQueue()
    for item in ("a1", "a2", "a3"):
        queue.add("a", item)
    assert queue.take() == "a1"
    queue.add("b", "b1")
    queue.add("c", "c1")
    assert queue.order() == ["b1", "c1", "a2", "a3"]
    assert [queue.take() for _ in range(5)] == ["b1", "c1", "a2", "a3", None]


def test_a_job_that_two_owners_want_goes_with_the_first_turn_of_either() -> None:
    queue = FairQueue()
    for item in ("a1", "a2", "shared"):
        queue.add("a", item)
    queue.add("b", "shared")
    assert queue.order() == ["a1", "shared", "a2"]
    queue.remove("shared", "b")
    assert queue.order() == ["a1", "a2", "shared"]


def test_the_queue_and_each_owners_share_of_it_have_limits(store: ResultStore, stage: Stage) -> None:
    jobs = Jobs(store, jobs_per_owner=2, queue_limit=3)
    gate = stage.gate("a1")
    jobs.submit(Play(name="a1"), "a")
    stage.wait_for("a1")
    jobs.submit(Play(name="a2"), "a")
    with pytest.raises(Unavailable, match="You have 2 jobs waiting or running"):
        jobs.submit(Play(name="a3"), "a")
    jobs.submit(Play(name="b1"), "b")
    jobs.submit(Play(name="b2"), "b")
    with pytest.raises(Unavailable, match="queue is full: 3 jobs wait"):
        jobs.submit(Play(name="c1"), "c")
    jobs.submit(Play(name="b2"), "c")  # joining costs nothing
    assert jobs.cancel(Play(name="a2").key(), "a")
    jobs.submit(Play(name="a3"), "a")
    gate.set()
    assert jobs.wait(Play(name="a3").key(), SECONDS).status == "done"
    assert "a2" not in stage.ran
    jobs.close()
