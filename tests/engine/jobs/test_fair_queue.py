"""Whose job is next: owners take turns, and each owner's jobs keep their order."""

from __future__ import annotations

from cache.store import ResultStore
from engine.core.settings.limits import Limits
from engine.jobs.fair_queue import _OWNERS_REMEMBERED, FairQueue
from engine.jobs.scheduler import Jobs
from engine.people.person import Person
from tests.engine.jobs.playing import SECONDS, Play, Stage


def test_owners_take_turns_and_each_owners_jobs_keep_their_order(store: ResultStore, stage: Stage) -> None:
    jobs = Jobs(store, limits=Limits(jobs_per_person=10))
    gate = stage.gate("first")
    jobs.submit(Play(name="first"), Person("greedy"))
    stage.wait_for("first")
    for owner, names in {"greedy": "g1 g2 g3 g4", "modest": "m1 m2", "late": "l1"}.items():
        for name in names.split():
            jobs.submit(Play(name=name), Person(owner))
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


def test_what_somebody_asks_for_later_does_not_wait_for_all_of_their_batch() -> None:
    queue = FairQueue()
    for item in ("w1", "w2", "w3", "w4"):
        queue.add("a", item, "a wall")
    assert queue.take() == "w1"
    queue.add("a", "look", "one unit")
    queue.add("b", "b1")
    assert queue.order() == ["b1", "w2", "look", "w3", "w4"]


def test_nobody_starves_though_somebody_new_comes_at_every_turn() -> None:
    queue = FairQueue()
    for item in ("a1", "a2", "a3"):
        queue.add("a", item)
    taken = []
    for number in range(6):
        queue.add(f"new {number}", f"n{number}")
        taken.append(queue.take())
    assert taken == ["a1", "n0", "n1", "a2", "n2", "n3"]


def test_the_order_that_is_told_is_the_order_that_is_taken() -> None:
    queue = FairQueue()
    for item in ("a1", "shared", "a2"):
        queue.add("a", item, "a wall")
    assert queue.take() == "a1"
    for owner, item in (("b", "shared"), ("c", "c1"), ("b", "b1"), ("a", "a3"), ("c", "shared")):
        queue.add(owner, item)
    told = queue.order()
    assert queue.items() == {*told} == {"a2", "a3", "b1", "c1", "shared"}
    assert told == [queue.take() for _ in told] and queue.take() is None
    assert sorted(told) == ["a2", "a3", "b1", "c1", "shared"]


def test_owners_who_take_back_all_that_they_asked_for_are_not_remembered_for_ever() -> None:
    queue = FairQueue()
    queue.add("waits", "w")
    for number in range(_OWNERS_REMEMBERED + 500):
        queue.add(f"o{number}", f"i{number}")
        queue.remove(f"i{number}", f"o{number}")
    assert len(queue._turns) <= _OWNERS_REMEMBERED and "waits" in queue._turns
    assert queue.take() == "w"
