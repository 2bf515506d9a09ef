"""Lanes: short jobs pass long ones without meeting them, and what nobody asked for makes room for everybody."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from cache.store import ResultStore
from engine.core.errors import Unavailable
from engine.core.settings.limits import Limits
from engine.jobs import scheduler
from engine.jobs.lanes import SWEEP, Lanes
from engine.jobs.records import Job
from engine.jobs.scheduler import Jobs
from engine.people.person import SERVER, Person
from tests.engine.jobs.playing import SECONDS, Play, Quick, Stage, until

SOMEBODY = Person("somebody")
ANN = Person("ann")


def running(jobs: Jobs, stage: Stage, request: Play, person: Person = SOMEBODY) -> Job:
    """A job that is on, and stays on until the gate of its name is opened."""
    stage.gate(request.name)
    job = jobs.submit(request, person)
    stage.wait_for(request.name)
    until(lambda: jobs.snapshot(job).message == "playing")
    return job


# Short ones


def test_a_short_job_is_done_while_a_long_one_runs_and_others_wait(jobs: Jobs, stage: Stage) -> None:
    long = running(jobs, stage, Play(name="long"))
    waiting = jobs.submit(Play(name="waiting"), Person("another"))
    short = jobs.submit(Quick(name="short"), Person("a third"))
    assert jobs.wait(short, SECONDS).status == "done"
    assert jobs.snapshot(long).status == "running" and jobs.snapshot(waiting).status == "queued"
    stage.gate("long").set()
    assert jobs.wait(long, SECONDS).status == "done" and jobs.wait(waiting, SECONDS).status == "done"


def test_a_short_job_is_done_by_the_long_ones_thread_where_no_other_can_be_started(
    jobs: Jobs, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = running(jobs, stage, Play(name="long"))
    start = threading.Thread.start

    def none_left(thread: threading.Thread) -> None:
        if thread.name == "short":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", none_left)
    assert jobs.wait(jobs.submit(Quick(name="short")), SECONDS).status == "done"
    stage.gate("long").set()
    assert jobs.wait(long, SECONDS).status == "done"


def test_a_long_job_stands_still_while_a_short_one_passes(jobs: Jobs, stage: Stage) -> None:
    long = running(jobs, stage, Play(name="long", steps=50))
    short = running(jobs, stage, Quick(name="short"))
    stage.gate("long").set()
    time.sleep(0.05)
    assert jobs.snapshot(long).step == 0 and jobs.snapshot(short).status == "running"
    stage.gate("short").set()
    assert jobs.wait(long, SECONDS).step == 50


def test_between_two_short_jobs_a_long_one_goes_on(jobs: Jobs, stage: Stage) -> None:
    """Nobody who asks for one short thing after the other stops what others wait for."""
    long = running(jobs, stage, Play(name="long", steps=8))
    first = running(jobs, stage, Quick(name="first"))
    shorts = [jobs.submit(Quick(name=f"short {number}"), Person(f"owner {number}")) for number in range(4)]
    stage.gate("long").set()
    held = [stage.gate(job.request.name) for job in shorts]  # type: ignore[attr-defined]
    stage.gate("first").set()
    jobs.wait(first, SECONDS)
    steps = []
    for gate, job in zip(held, shorts, strict=True):
        stage.wait_for(job.request.name)  # type: ignore[attr-defined]
        steps.append(jobs.snapshot(long).step)
        gate.set()
    assert steps == sorted(set(steps)), "each of them met it one step further"


def test_a_short_job_stands_before_long_ones_in_the_queue_and_runs_before_them(jobs: Jobs, stage: Stage) -> None:
    first = running(jobs, stage, Quick(name="first"))
    long = jobs.submit(Play(name="long"))
    short = jobs.submit(Quick(name="short"))
    assert [jobs.snapshot(job).position for job in (short, long)] == [1, 2]
    stage.gate("first").set()
    assert jobs.wait(long, SECONDS).status == jobs.wait(first, SECONDS).status == "done"
    assert stage.ran == ["first", "short", "long"]


def test_a_short_job_that_needs_something_long_waits_its_turn(jobs: Jobs, stage: Stage) -> None:
    long = running(jobs, stage, Play(name="long"))
    job = jobs.submit(Quick(name="short", needs="base"))
    stage.wait_for("short")
    until(lambda: jobs.snapshot(job).status == "queued")
    assert "base" not in stage.ran and jobs.snapshot(long).status == "running"
    stage.gate("long").set()
    assert jobs.wait(job, SECONDS).status == "done" and stage.ran == ["long", "short", "short", "base"]


def test_a_short_job_passes_where_what_it_needs_is_there(jobs: Jobs, stage: Stage) -> None:
    jobs.wait(jobs.submit(Play(name="base")), SECONDS)
    long = running(jobs, stage, Play(name="long"))
    assert jobs.wait(jobs.submit(Quick(name="short", needs="base")), SECONDS).status == "done"
    assert jobs.snapshot(long).status == "running"


@pytest.mark.parametrize("request_", [Quick(name="quick x"), Quick(name="other", needs="quick x")])
def test_a_short_job_does_not_wait_for_the_long_one_that_waits_for_it(
    jobs: Jobs, stage: Stage, request_: Quick
) -> None:
    """The long job is making just what it needs, and stands still as long as it runs."""
    stage.gate("quick x")
    long = jobs.submit(Play(name="long", needs="quick x"))
    stage.wait_for("quick x")
    short = jobs.submit(request_)
    until(lambda: jobs.snapshot(short).status == "queued" and not jobs._queue.waits("short"))
    stage.gate("quick x").set()
    assert jobs.wait(short, SECONDS).status == jobs.wait(long, SECONDS).status == "done"


def test_a_short_job_that_fails_or_is_cancelled_does_the_long_one_no_harm(jobs: Jobs, stage: Stage) -> None:
    long = running(jobs, stage, Play(name="long"))
    assert jobs.wait(jobs.submit(Quick(name="short", act="exit")), SECONDS).status == "failed"
    short = running(jobs, stage, Quick(name="another"))
    assert jobs.cancel(short, Person("somebody")) and jobs.wait(short, SECONDS).status == "cancelled"
    assert jobs.snapshot(long).status == "running"
    short = running(jobs, stage, Quick(name="a third"))
    assert jobs.cancel(long, Person("somebody"))
    stage.gate("a third").set()
    assert jobs.wait(short, SECONDS).status == "done" and jobs.wait(long, SECONDS).status == "cancelled"


# Quiet ones


def test_a_quiet_job_makes_room_for_whoever_asks_and_is_carried_out_afterwards(jobs: Jobs, stage: Stage) -> None:
    quiet = running(jobs, stage, Play(name="quiet"), SERVER)
    person = running(jobs, stage, Play(name="person"))
    assert jobs.snapshot(quiet).status == "queued" and jobs.snapshot(quiet).persons == 0
    stage.gate("quiet").set()
    stage.gate("person").set()
    assert jobs.wait(person, SECONDS).status == jobs.wait(quiet, SECONDS).status == "done"
    assert stage.ran == ["quiet", "person", "quiet"]


def test_a_quiet_job_lets_short_ones_pass_and_loses_nothing(jobs: Jobs, stage: Stage) -> None:
    quiet = running(jobs, stage, Play(name="quiet"), SERVER)
    assert jobs.wait(jobs.submit(Quick(name="short")), SECONDS).status == "done"
    assert jobs.snapshot(quiet).status == "running" and stage.ran == ["quiet", "short"]


def test_a_quiet_job_begins_when_nothing_else_waits(jobs: Jobs, stage: Stage) -> None:
    running(jobs, stage, Play(name="first"))
    quiet = jobs.submit(Play(name="quiet"), SERVER)
    for name in ("b", "c"):
        jobs.submit(Play(name=name), Person(name))
    assert jobs.snapshot(quiet).position == 3
    stage.gate("first").set()
    jobs.wait(quiet, SECONDS)
    assert stage.ran == ["first", "b", "c", "quiet"]


def test_what_a_person_wants_too_is_not_quiet_any_more(jobs: Jobs, stage: Stage) -> None:
    quiet = running(jobs, stage, Play(name="quiet"), SERVER)
    jobs.submit(Play(name="quiet"), Person("ann"))
    other = jobs.submit(Play(name="other"), Person("bob"))
    time.sleep(0.05)
    assert jobs.snapshot(quiet).status == "running" and jobs.snapshot(other).status == "queued"
    assert not jobs.cancel(quiet, Person("ann")), "the server goes on with it, when there is time"
    stage.wait_for("other")
    assert jobs.wait(other, SECONDS).status == "done"
    stage.gate("quiet").set()
    assert jobs.wait(quiet, SECONDS).status == "done"


def test_a_waiting_quiet_job_moves_up_when_a_person_wants_it(jobs: Jobs, stage: Stage) -> None:
    running(jobs, stage, Play(name="first"))
    for name in ("q1", "q2"):
        jobs.submit(Play(name=name), SERVER)
    moved = jobs.submit(Play(name="q2"), Person("ann"))
    assert jobs.snapshot(moved).position == 1
    jobs.cancel(moved, Person("ann"))
    assert jobs.snapshot(moved).position == 2 and jobs.snapshot(moved).active


def test_a_quiet_job_that_is_nearly_done_goes_on(jobs: Jobs, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "NEARLY_DONE", float("inf"))
    monkeypatch.setattr("engine.jobs.progress.Meter.eta", lambda meter: 1.0)
    quiet = running(jobs, stage, Play(name="quiet"), SERVER)
    person = jobs.submit(Play(name="person"))
    time.sleep(0.05)
    stage.gate("quiet").set()
    assert jobs.wait(person, SECONDS).status == jobs.wait(quiet, SECONDS).status == "done"
    assert stage.ran == ["quiet", "person"], "it was not begun anew"


def test_what_the_server_made_by_itself_is_not_listed_as_interrupted(tmp_path: Path, stage: Stage) -> None:
    store = ResultStore(tmp_path / "results")
    jobs = Jobs(store)
    running(jobs, stage, Play(name="quiet"), SERVER)
    jobs.submit(Play(name="waits"), SERVER)
    jobs.submit(Play(name="wanted"), SERVER)
    wanted = jobs.submit(Play(name="wanted"), Person("ann"))
    jobs.close()
    (journal,) = (store.folder / "processes").glob("*.json")
    assert [*json.loads(journal.read_text())] == [wanted.id]
    store.close()


# Parts of sweeps


def part(jobs: Jobs, stage: Stage, name: str, person: Person = ANN) -> Job:
    """A part of a sweep that is on."""
    stage.gate(name)
    job = jobs.submit(Play(name=name), person, f"{SWEEP}1")
    stage.wait_for(name)
    until(lambda: jobs.snapshot(job).message == "playing")
    return job


def test_a_part_of_a_sweep_makes_room_for_what_people_ask_for_also_its_owner(jobs: Jobs, stage: Stage) -> None:
    swept = part(jobs, stage, "swept")
    person = running(jobs, stage, Play(name="person"), ANN)
    assert jobs.snapshot(swept).status == "queued" and jobs.snapshot(swept).persons == 1
    stage.gate("swept").set()
    stage.gate("person").set()
    assert jobs.wait(person, SECONDS).status == jobs.wait(swept, SECONDS).status == "done"
    assert stage.ran == ["swept", "person", "swept"]


def test_no_more_parts_make_room_than_somebody_waits_for(store: ResultStore, stage: Stage) -> None:
    jobs = Jobs(store, workers=3)
    swept = [part(jobs, stage, name) for name in ("a", "b", "c")]
    person = running(jobs, stage, Play(name="person"), Person("bob"))
    time.sleep(0.1)
    assert sorted(jobs.snapshot(each).status for each in swept) == ["queued", "running", "running"]
    other = running(jobs, stage, Play(name="other"), Person("carl"))
    time.sleep(0.1)
    assert sorted(jobs.snapshot(each).status for each in swept) == ["queued", "queued", "running"]
    for gate in stage.gates.values():
        gate.set()
    assert {jobs.wait(each, SECONDS).status for each in [*swept, person, other]} == {"done"}
    assert len(stage.ran) == 7, "two parts were begun twice"
    jobs.close()


def test_what_the_server_prepares_makes_room_for_a_sweep_and_no_sweep_for_it(jobs: Jobs, stage: Stage) -> None:
    running(jobs, stage, Play(name="quiet"), SERVER)
    swept = part(jobs, stage, "swept")
    time.sleep(0.05)
    assert jobs.snapshot(swept).status == "running" and not jobs.snapshot(swept).quiet
    stage.gate("quiet").set()
    stage.gate("swept").set()
    jobs.wait(swept, SECONDS)
    stage.wait_for("quiet", 2)


def test_a_part_of_a_sweep_that_a_person_wants_too_is_a_usual_job(jobs: Jobs, stage: Stage) -> None:
    swept = part(jobs, stage, "swept")
    jobs.submit(Play(name="swept"), Person("bob"))
    other = jobs.submit(Play(name="other"), Person("carl"))
    time.sleep(0.05)
    assert jobs.snapshot(swept).status == "running" and jobs.snapshot(other).status == "queued"
    stage.gate("swept").set()
    assert jobs.wait(swept, SECONDS).status == jobs.wait(other, SECONDS).status == "done"


def test_a_sweep_takes_none_of_its_owners_share_of_the_queue(tmp_path: Path, stage: Stage) -> None:
    store = ResultStore(tmp_path / "results")
    jobs = Jobs(store, limits=Limits(jobs_per_person=1, jobs_waiting=1))
    part(jobs, stage, "swept")
    jobs.submit(Play(name="next"), ANN, f"{SWEEP}1")
    jobs.submit(Play(name="own"), ANN)
    with pytest.raises(Unavailable, match="1 jobs"):
        jobs.submit(Play(name="second"), ANN)
    jobs.close()
    (journal,) = (store.folder / "processes").glob("*.json")
    interrupted = [line["request"]["name"] for line in json.loads(journal.read_text()).values()]
    assert interrupted == ["own"], "a sweep has a list of its own"
    store.close()


# The lines themselves


def test_a_job_taken_from_one_lane_is_gone_from_all() -> None:
    lanes = Lanes()
    lanes.add("quiet", SERVER.id, "a")
    lanes.add("usual", "ann", "a")
    lanes.add("short", "bob", "b")
    assert lanes.order() == ["b", "a"] and lanes.waits("short")
    assert lanes.take(("short",)) == "b" and lanes.take(("short",)) is None
    assert lanes.take() == "a" and lanes.take() is None and not lanes.waits("quiet")
