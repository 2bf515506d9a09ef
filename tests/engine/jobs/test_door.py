"""What each role may ask the jobs for, and how much: refused at the door, whoever drew which button."""

from __future__ import annotations

import time

import pytest

from cache.store import ResultStore
from engine.core.errors import BadRequest, Forbidden, Unavailable
from engine.core.settings.limits import Limits
from engine.jobs.scheduler import Jobs
from engine.people import audit
from engine.people.person import SERVER, Person
from engine.visualization.request import VisualizeRequest
from tests.engine.jobs.playing import SECONDS, Play, Stage, until

ANN, BOB = Person("ann", role="member"), Person("bob", role="member")
VIEWER, OPERATOR = Person("vic", role="viewer"), Person("olga", role="operator")


def test_a_viewer_opens_what_is_computed_and_computes_nothing(jobs: Jobs, stage: Stage) -> None:
    with pytest.raises(Forbidden, match="You may not compute here: that is for members"):
        jobs.submit(Play(name="a"), VIEWER)
    jobs.wait(jobs.submit(Play(name="a"), ANN), SECONDS)
    assert jobs.snapshot(jobs.submit(Play(name="a"), VIEWER)).status == "done" and stage.ran == ["a"]


def test_a_viewer_keeps_no_job_of_another_going(jobs: Jobs, stage: Stage) -> None:
    stage.gate("a")
    job = jobs.submit(Play(name="a"), ANN)
    stage.wait_for("a")
    with pytest.raises(Forbidden):
        jobs.submit(Play(name="a"), VIEWER)
    assert jobs.cancel(job, ANN) and jobs.wait(job, SECONDS).status == "cancelled"


def test_an_operator_stops_anybodys_job_and_nobody_else_does(jobs: Jobs, stage: Stage) -> None:
    stage.gate("a")
    running, waiting = jobs.submit(Play(name="a"), ANN), jobs.submit(Play(name="b"), ANN)
    jobs.submit(Play(name="a"), BOB)
    stage.wait_for("a")
    for stranger in (VIEWER, BOB):
        with pytest.raises(Forbidden, match="that is for operators"):
            jobs.stop(running, stranger)
    assert not jobs.cancel(waiting, BOB) and not jobs.cancel(waiting, OPERATOR), "taking back what one never asked for"
    assert jobs.stop(running, OPERATOR) and jobs.stop(waiting, OPERATOR)
    assert {jobs.wait(job, SECONDS).status for job in (running, waiting)} == {"cancelled"}
    assert not jobs.stop(running, OPERATOR) and stage.ran == ["a"]


def test_the_parts_of_a_batch_are_counted_one_by_one(store: ResultStore, stage: Stage) -> None:
    jobs = Jobs(store, limits=Limits(parts_per_person=3))
    gate = stage.gate("p0")
    for number in range(3):
        jobs.submit(Play(name=f"p{number}"), ANN, "a wall")
    with pytest.raises(Unavailable, match="already have 3 parts of jobs queued or running; here a person may have 3"):
        jobs.submit(Play(name="p3"), ANN, "a wall")
    jobs.submit(Play(name="q"), BOB)
    for number in range(4):
        jobs.submit(Play(name=f"server {number}"), SERVER, "prepared")
    gate.set()
    jobs.wait(Play(name="p0").key(), SECONDS)
    jobs.submit(Play(name="p3"), ANN, "a wall")
    jobs.close()


def test_a_job_that_takes_too_long_is_stopped_with_the_reason(store: ResultStore, stage: Stage) -> None:
    jobs = Jobs(store, limits=Limits(seconds_per_job=1))
    stage.gate("a")
    ended = jobs.wait(jobs.submit(Play(name="a"), ANN), SECONDS)
    assert ended.status == "failed" and "longer than the 1 seconds that a job may take" in str(ended.error)
    assert jobs.wait(jobs.submit(Play(name="b"), ANN), SECONDS).status == "done", "the worker goes on"
    jobs.close()


def test_what_the_server_prepares_may_take_its_time(store: ResultStore, stage: Stage) -> None:
    jobs = Jobs(store, limits=Limits(seconds_per_job=1))
    gate = stage.gate("a")
    job = jobs.submit(Play(name="a"), SERVER)
    stage.wait_for("a")
    time.sleep(1.3)
    assert jobs.snapshot(job).status == "running"
    gate.set()
    until(lambda: jobs.snapshot(job).status == "done")
    jobs.close()


def test_too_many_units_or_steps_are_refused_before_they_are_queued(jobs: Jobs, configured) -> None:
    configured(limits={"units_per_request": 2, "passes_per_picture": 100})
    asked = VisualizeRequest(model="starter-vit", site="blocks.6.mlp.hidden", units=(0, 1, 2))
    with pytest.raises(BadRequest, match="3 units requested at once; the limit is 2"):
        jobs.submit(asked, ANN)
    assert jobs.active() == []


def test_each_request_is_noted_down_with_who_what_and_how_it_went(
    jobs: Jobs, stage: Stage, own_store, configured
) -> None:
    configured(access={"audit": True})
    jobs.wait(jobs.submit(Play(name="a"), ANN), SECONDS)
    Jobs(jobs._runner.store).submit(Play(name="a"), BOB)
    with pytest.raises(Forbidden):
        jobs.submit(Play(name="b"), VIEWER)
    jobs.wait(jobs.submit(Play(name="c", act="bad request"), ANN), SECONDS)
    stage.gate("d")
    jobs.cancel(jobs.submit(Play(name="d"), ANN), ANN)
    jobs.stop(jobs.submit(Play(name="d", steps=2), BOB), OPERATOR)
    noted = [(line["person"], line["outcome"]) for line in audit.lines()][::-1]
    assert noted == [
        ("ann", "done"),
        ("bob", "stored"),
        ("vic", "refused"),
        ("ann", "failed"),
        ("ann", "cancelled"),
        ("olga", "stopped"),
    ]
    assert {line["key"] for line in audit.lines() if line["outcome"] == "done"} == {Play(name="a").key()}


def test_interrupted_requests_are_their_owners_to_see_and_to_dismiss(store: ResultStore, stage: Stage) -> None:
    jobs = Jobs(earlier := ResultStore(store.folder))
    stage.gate("ann's")
    stage.gate("both")
    for name, people in (("ann's", [ANN]), ("both", [ANN, BOB])):
        for person in people:
            jobs.submit(Play(name=name), person)
    jobs.close()
    earlier.close()
    restarted = Jobs(store)
    mine, theirs = Play(name="ann's").key(), Play(name="both").key()
    assert {*restarted.interrupted(ANN)} == {mine, theirs} and {*restarted.interrupted(BOB)} == {theirs}
    assert restarted.interrupted(VIEWER) == {}
    restarted.forget_interrupted(VIEWER)
    restarted.forget_interrupted(BOB, mine)
    restarted.forget_interrupted(BOB)
    assert {*restarted.interrupted(ANN)} == {mine, theirs} and restarted.interrupted(BOB) == {}
    stage.gate("both").set()
    restarted.wait(restarted.submit(Play(name="both"), BOB), SECONDS)
    assert {*restarted.interrupted(ANN)} == {mine}
    restarted.close()
