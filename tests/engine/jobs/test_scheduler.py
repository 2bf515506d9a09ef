"""Jobs: computed once, watched while they run, and found in the store."""

from __future__ import annotations

import threading

import pytest

from cache.store import ResultStore
from engine.core.errors import Unavailable
from engine.core.request import Result
from engine.jobs.keys import stored_key
from engine.jobs.scheduler import Jobs
from engine.people.person import Person
from tests.engine.jobs.playing import SECONDS, Play, Stage, until

# One request, one job


def test_a_finished_job_has_its_result_in_the_store(jobs: Jobs, store: ResultStore) -> None:
    job = jobs.submit(Play(name="a", steps=3))
    snapshot = jobs.wait(job, SECONDS)
    assert (snapshot.status, snapshot.step, snapshot.total, snapshot.fraction) == ("done", 3, 3, 1.0)
    assert not snapshot.active and snapshot.error is None and snapshot.warning is None
    blob, result = store.get(stored_key(job.id)), jobs.result(job.id)
    assert blob is not None and result is not None
    assert blob.facts["request"] == result.request == {"name": "a"} and result.arrays["x"].tolist() == [1, 1, 1]
    assert store.entries()[0].facts_request == {"name": "a"}


def test_a_stored_result_makes_the_job_done_at_once_and_computes_nothing(
    jobs: Jobs, store: ResultStore, stage: Stage
) -> None:
    jobs.wait(jobs.submit(Play(name="a")), SECONDS)
    second = Jobs(store)
    job = second.submit(Play(name="a"))
    assert second.snapshot(job).status == "done" and second.active() == [] and stage.ran == ["a"]
    second.close()


def test_the_same_request_asked_by_many_at_once_computes_once(jobs: Jobs, stage: Stage) -> None:
    gate = stage.gate("a")
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: ids.append(jobs.submit(Play(name="a"), Person(f"owner {n}")).id))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stage.wait_for("a")
    assert len(set(ids)) == 1 and len(jobs.active()) == 1
    gate.set()
    assert jobs.wait(ids[0], SECONDS).status == "done" and stage.ran == ["a"]


def test_a_request_that_differs_in_anything_is_another_job(jobs: Jobs) -> None:
    assert jobs.submit(Play(name="a")).id != jobs.submit(Play(name="a", steps=2)).id


def test_a_job_outlives_the_thread_that_submitted_it(jobs: Jobs, stage: Stage) -> None:
    gate = stage.gate("a")
    submitter = threading.Thread(target=jobs.submit, args=(Play(name="a"), Person("a closed tab")))
    submitter.start()
    submitter.join()
    gate.set()
    assert jobs.wait(Play(name="a").key(), SECONDS).status == "done"
    assert jobs.result(Play(name="a").key()) is not None


def test_a_request_that_cannot_be_keyed_is_refused_at_submission(jobs: Jobs) -> None:
    with pytest.raises(Unavailable, match="not here"):
        jobs.submit(Play(name="a", act="no model"))
    assert jobs.active() == []


def test_a_job_that_nobody_remembers_is_said_to_be_gone(jobs: Jobs) -> None:
    snapshot = jobs.snapshot("nobodysjob")
    assert snapshot.status == "cancelled" and "Start it again" in snapshot.message
    assert jobs.job("nobodysjob") is None and jobs.wait("nobodysjob").status == "cancelled"


def test_what_waits_is_done_when_somebody_is_given_its_result_and_the_worker_goes_on(
    jobs: Jobs, store: ResultStore, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.jobs.records.REMEMBERED_JOBS", 2)
    ann, viewer = Person("ann", role="member"), Person("vic", role="viewer")
    gate = stage.gate("busy")
    busy, waiting = jobs.submit(Play(name="busy"), ann), jobs.submit(Play(name="k"), ann)
    stage.wait_for("busy")
    # As when a job that runs computes it on its way.
    another, others = Jobs(store), [Play(name=f"other {number}") for number in range(4)]
    for request in (Play(name="k"), *others):
        another.wait(another.submit(request), SECONDS)
    another.close()
    jobs.submit(Play(name="k"), viewer)
    assert jobs.snapshot(waiting).status == "done" and jobs.active() == [busy]
    for request in others:  # so many that it is forgotten
        jobs.submit(request, viewer)
    gate.set()
    assert jobs.wait(jobs.submit(Play(name="later"), ann), SECONDS).status == "done" and stage.ran.count("k") == 1


def test_who_is_given_a_result_takes_nobodys_place_at_a_job_that_still_runs(
    jobs: Jobs, store: ResultStore, stage: Stage
) -> None:
    ann, viewer = Person("ann", role="member"), Person("vic", role="viewer")
    gate = stage.gate("k")
    job = jobs.submit(Play(name="k"), ann)
    stage.wait_for("k")
    store.put(stored_key(job.id), Result({"name": "k"}).to_blob())
    jobs.submit(Play(name="k"), viewer)
    assert jobs.snapshot(job).status == "running" and jobs.active(ann) == [job]
    assert jobs.cancel(job, ann)
    gate.set()


def test_a_worker_passes_over_what_waits_and_is_not_known(jobs: Jobs) -> None:
    jobs._queue.add("usual", "ann", "nobodysjob")
    assert jobs.wait(jobs.submit(Play(name="a")), SECONDS).status == "done"


# One experiment that builds on another


def test_cancelling_reaches_into_a_nested_request(jobs: Jobs, stage: Stage) -> None:
    stage.gate("base")
    job = jobs.submit(Play(name="a", needs="base"))
    stage.wait_for("base")
    until(lambda: jobs.snapshot(job).message == "playing")
    jobs.cancel(job)
    assert jobs.wait(job, SECONDS).status == "cancelled" and jobs.result(Play(name="base").key()) is None


# Progress
