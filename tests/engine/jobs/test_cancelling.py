"""Cancelling: what nobody wants any more stops, what somebody wants goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from cache.store import ResultStore
from engine.jobs.executors.threads import Threads
from engine.jobs.relays import Relays
from engine.jobs.scheduler import Jobs
from engine.people.person import Person
from tests.engine.jobs.playing import SECONDS, Play, Stage, until


def test_cancelling_stops_a_running_job_and_the_worker_goes_on(jobs: Jobs, stage: Stage) -> None:
    stage.gate("a")
    job = jobs.submit(Play(name="a"))
    stage.wait_for("a")
    assert jobs.cancel(job)
    snapshot = jobs.wait(job, SECONDS)
    assert snapshot.status == "cancelled" and snapshot.error is None and jobs.result(job.id) is None
    assert jobs.wait(jobs.submit(Play(name="b")), SECONDS).status == "done"


def test_cancelling_a_waiting_job_means_that_it_never_runs(jobs: Jobs, stage: Stage) -> None:
    gate = stage.gate("a")
    jobs.submit(Play(name="a"))
    stage.wait_for("a")
    job = jobs.submit(Play(name="b"))
    assert jobs.cancel(job) and jobs.snapshot(job).status == "cancelled" and not jobs.cancel(job)
    gate.set()
    jobs.wait(jobs.submit(Play(name="c")), SECONDS)
    assert stage.ran == ["a", "c"]


@pytest.mark.parametrize("running", [True, False])
def test_one_owner_cannot_cancel_what_another_wants(jobs: Jobs, stage: Stage, running: bool) -> None:
    gate = stage.gate("a" if running else "before")
    if not running:
        jobs.submit(Play(name="before"), Person("x"))
        stage.wait_for("before")
    job = jobs.submit(Play(name="a"), Person("ann"))
    jobs.submit(Play(name="a"), Person("bob"))
    if running:
        stage.wait_for("a")
    assert not jobs.cancel(job, Person("eve"))  # who never asked
    assert not jobs.cancel(job, Person("ann")) and not jobs.cancel(job, Person("ann"))
    gate.set()
    assert jobs.wait(job, SECONDS).status == "done"


def test_when_the_last_interested_owner_cancels_the_job_stops(jobs: Jobs, stage: Stage) -> None:
    stage.gate("a")
    job = jobs.submit(Play(name="a"), Person("ann"))
    jobs.submit(Play(name="a"), Person("bob"))
    stage.wait_for("a")
    assert not jobs.cancel(job, Person("ann")) and jobs.cancel(job, Person("bob"))
    assert jobs.wait(job, SECONDS).status == "cancelled"


@pytest.fixture
def two(store: ResultStore) -> Iterator[Jobs]:
    """A queue whose jobs an executor carries out, two at once."""
    opened = Jobs(store, carriers=lambda line, runner: Relays(line, runner, Threads(runner, 2)))
    yield opened
    opened.close()


@pytest.mark.parametrize("queue", ["jobs", "two"])
def test_asking_again_right_after_cancelling_gets_a_result(
    queue: str, request: pytest.FixtureRequest, stage: Stage
) -> None:
    jobs, gate = request.getfixturevalue(queue), stage.gate("a")
    for turn in range(20):
        job = jobs.submit(Play(name="a"))
        stage.wait_for("a")
        jobs.cancel(job)
        time.sleep(0.001 * turn)  # before and after the worker notices
    job = jobs.submit(Play(name="a"))
    gate.set()
    assert jobs.wait(job, SECONDS).status == "done" and jobs.active() == []


def test_asking_again_before_the_worker_noticed_takes_the_cancelling_back(jobs: Jobs, stage: Stage) -> None:
    gate = stage.gate("a")
    job = jobs.submit(Play(name="a", act="deaf"))
    stage.wait_for("a")
    assert jobs.cancel(job) and jobs.snapshot(job).message == "Stopping"
    jobs.submit(Play(name="a", act="deaf"))
    gate.set()
    assert jobs.wait(job, SECONDS).status == "done" and stage.ran == ["a"]


def test_whoever_asks_while_a_cancelled_job_is_still_ending_gets_a_job_of_their_own(
    jobs: Jobs, store: ResultStore, stage: Stage
) -> None:
    gate = stage.gate("a")
    request = Play(name="a", act="lingers")
    jobs.cancel(jobs.submit(request, Person("ann")), Person("ann"))
    jobs.submit(request, Person("ann"))
    stage.wait_for("a")
    jobs.cancel(request.key(), Person("ann"))
    stage.wait_for("a lingers")
    job = jobs.submit(request, Person("bob"))
    assert jobs.snapshot(job).status == "queued"
    stage.gate("end").set()
    until(lambda: jobs.snapshot(job).status == "running")
    (journal,) = (store.folder / "processes").glob("*.json")
    assert job.id in journal.read_text()  # the end of the first one did not strike it out
    gate.set()
    assert jobs.wait(job, SECONDS).status == "done" and jobs.result(job.id) is not None
    assert jobs.interrupted() == {} and jobs.active() == []


def test_whoever_asks_while_a_cancelled_job_is_still_ending_gets_a_result_where_a_slot_is_free_too(
    two: Jobs, stage: Stage
) -> None:
    gate, request = stage.gate("a"), Play(name="a", act="lingers")
    job = two.submit(request, Person("ann"))
    stage.wait_for("a")
    two.cancel(job, Person("ann"))
    stage.wait_for("a lingers")
    two.submit(request, Person("bob"))
    until(lambda: two.snapshot(job).status == "running" and two.snapshot(job).message != "Stopping")
    stage.gate("end").set()
    gate.set()
    assert two.wait(job, SECONDS).status == "done" and two.result(job.id) is not None and two.active() == []


def test_after_a_kill_a_job_is_offered_again_to_those_who_had_not_cancelled_it(jobs: Jobs, stage: Stage) -> None:
    gate = stage.gate("a")
    job = jobs.submit(Play(name="a"), Person("ann"))
    jobs.submit(Play(name="a"), Person("bob"))
    stage.wait_for("a")
    jobs.cancel(job, Person("ann"))
    (written,) = jobs._runner.store.mark.folder.glob("*.json")
    assert json.loads(written.read_text())[job.id]["owners"] == ["bob"]
    gate.set()
    assert jobs.wait(job, SECONDS).status == "done"
