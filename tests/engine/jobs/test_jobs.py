"""Jobs: computed once, in turn, watched, cancelled, and never lost, whatever the experiment does."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest

from cache.store import ResultStore, StoreFull
from engine.errors import Unavailable
from engine.experiment import Progress
from engine.jobs import Jobs
from engine.progress import PREVIEW_SECONDS, Meter
from engine.queue import FairQueue
from tests.engine.jobs.playing import SECONDS, Play, Stage, until

# One request, one job


def test_a_finished_job_has_its_result_in_the_store(jobs: Jobs, store: ResultStore) -> None:
    job = jobs.submit(Play(name="a", steps=3))
    snapshot = jobs.wait(job, SECONDS)
    assert (snapshot.status, snapshot.step, snapshot.total, snapshot.fraction) == ("done", 3, 3, 1.0)
    assert not snapshot.active and snapshot.error is None and snapshot.warning is None
    blob, result = store.get(job.id), jobs.result(job.id)
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
        threading.Thread(target=lambda n=n: ids.append(jobs.submit(Play(name="a"), f"owner {n}").id)) for n in range(8)
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
    submitter = threading.Thread(target=jobs.submit, args=(Play(name="a"), "a closed tab"))
    submitter.start()
    submitter.join()
    gate.set()
    assert jobs.wait(Play(name="a").key(), SECONDS).status == "done"
    assert jobs.result(Play(name="a").key()) is not None


def test_a_request_that_cannot_be_keyed_is_refused_at_submission(jobs: Jobs) -> None:
    with pytest.raises(Unavailable, match="not here"):
        jobs.submit(Play(name="a", act="no model"))
    assert jobs.active() == []


def test_a_damaged_result_is_computed_again(jobs: Jobs, store: ResultStore, stage: Stage) -> None:
    job = jobs.submit(Play(name="a"))
    jobs.wait(job, SECONDS)
    store.put_bytes(job.id, b"not a blob")
    assert jobs.wait(jobs.submit(Play(name="a")), SECONDS).status == "done"
    assert stage.ran == ["a", "a"] and jobs.result(job.id) is not None


def test_a_job_that_nobody_remembers_is_said_to_be_gone(jobs: Jobs) -> None:
    snapshot = jobs.snapshot("nobodysjob")
    assert snapshot.status == "cancelled" and "Ask for it again" in snapshot.message
    assert jobs.job("nobodysjob") is None and jobs.wait("nobodysjob").status == "cancelled"


# Turns


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


# Cancelling


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
        jobs.submit(Play(name="before"), "x")
        stage.wait_for("before")
    job = jobs.submit(Play(name="a"), "ann")
    jobs.submit(Play(name="a"), "bob")
    if running:
        stage.wait_for("a")
    assert not jobs.cancel(job, "eve")  # who never asked
    assert not jobs.cancel(job, "ann") and not jobs.cancel(job, "ann")
    gate.set()
    assert jobs.wait(job, SECONDS).status == "done"


def test_when_the_last_interested_owner_cancels_the_job_stops(jobs: Jobs, stage: Stage) -> None:
    stage.gate("a")
    job = jobs.submit(Play(name="a"), "ann")
    jobs.submit(Play(name="a"), "bob")
    stage.wait_for("a")
    assert not jobs.cancel(job, "ann") and jobs.cancel(job, "bob")
    assert jobs.wait(job, SECONDS).status == "cancelled"


def test_asking_again_right_after_cancelling_gets_a_result(jobs: Jobs, stage: Stage) -> None:
    gate = stage.gate("a")
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
    jobs.cancel(jobs.submit(request, "ann"), "ann")
    jobs.submit(request, "ann")
    stage.wait_for("a")
    jobs.cancel(request.key(), "ann")
    stage.wait_for("a lingers")
    job = jobs.submit(request, "bob")
    assert jobs.snapshot(job).status == "queued"
    stage.gate("end").set()
    until(lambda: jobs.snapshot(job).status == "running")
    (journal,) = (store.folder / "processes").glob("*.json")
    assert job.id in journal.read_text()  # the end of the first one did not strike it out
    gate.set()
    assert jobs.wait(job, SECONDS).status == "done" and jobs.result(job.id) is not None
    assert jobs.interrupted() == [] and jobs.active() == []


# What goes wrong


@pytest.mark.parametrize("act", ["bug", "exit", "interrupt", "generator", "nothing"])
def test_an_exception_becomes_a_message_and_a_log_line_and_the_worker_lives(
    jobs: Jobs, act: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        snapshot = jobs.wait(jobs.submit(Play(name="a", act=act)), SECONDS)
    assert snapshot.status == "failed" and snapshot.error is not None
    assert snapshot.error.startswith("Something went wrong inside play (error id ")
    assert "secret" not in snapshot.error and "Error" not in snapshot.error
    error_id = snapshot.error.split("error id ")[1].split(",")[0]
    (line,) = [record for record in caplog.records if error_id in record.getMessage()]
    assert line.exc_info and f'"act":"{act}"' in line.getMessage()
    assert jobs.wait(jobs.submit(Play(name="b")), SECONDS).status == "done"
    assert jobs.wait(jobs.submit(Play(name="a")), SECONDS).status == "done"


def test_an_error_meant_for_people_is_shown_as_it_is(jobs: Jobs) -> None:
    snapshot = jobs.wait(jobs.submit(Play(name="a", act="bad request")), SECONDS)
    assert (snapshot.status, snapshot.error) == ("failed", "Unit 900 is out of range. Ask for 0 to 767.")


@pytest.mark.parametrize("act", ["cuda memory", "cpu memory", "python memory"])
def test_running_out_of_memory_names_the_setting(jobs: Jobs, act: str) -> None:
    snapshot = jobs.wait(jobs.submit(Play(name="a", act=act)), SECONDS)
    assert snapshot.error is not None and "Not enough memory" in snapshot.error
    assert "fewer units" in snapshot.error and "model_memory_bytes in vitrine.toml (now 2.0GiB)" in snapshot.error


def test_a_failed_job_can_be_tried_again(jobs: Jobs, stage: Stage) -> None:
    for turn in range(2):
        assert jobs.wait(jobs.submit(Play(name="a", act="bug")), SECONDS).status == "failed"
        assert stage.ran == ["a"] * (turn + 1)


def test_a_result_that_cannot_be_stored_stays_in_memory_with_a_warning_and_is_stored_later(
    jobs: Jobs, store: ResultStore, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    def full(*_: object) -> None:
        raise StoreFull("The disk is full.")

    with monkeypatch.context() as broken:
        broken.setattr(store, "put", full)
        job = jobs.submit(Play(name="a"))
        snapshot = jobs.wait(job, SECONDS)
        assert snapshot.status == "done" and snapshot.error is None
        assert snapshot.warning is not None and "kept in memory only, because the disk is full" in snapshot.warning
        kept = jobs.result(job.id)
        assert kept is not None and kept.arrays["x"].tolist() == [1, 1, 1] and store.get(job.id) is None
        assert jobs.snapshot(jobs.submit(Play(name="a"))).warning == snapshot.warning and stage.ran == ["a"]
    jobs.wait(jobs.submit(Play(name="b")), SECONDS)
    assert store.get(job.id) is not None and jobs.snapshot(job).warning is None


def test_a_result_that_no_store_could_hold_is_not_lost_either(jobs: Jobs) -> None:
    job = jobs.submit(Play(name="a", act="unstorable"))
    snapshot = jobs.wait(job, SECONDS)
    assert snapshot.status == "done" and snapshot.warning is not None and "cannot be stored" in snapshot.warning
    assert jobs.result(job.id) is not None


def test_jobs_work_without_any_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    jobs = Jobs(ResultStore(tmp_path / "file" / "results"))
    job = jobs.submit(Play(name="a"))
    assert jobs.wait(job, SECONDS).status == "done" and jobs.result(job.id) is not None
    assert jobs.snapshot(job).warning is not None and jobs.interrupted() == []
    jobs.close()


def test_the_result_is_stored_before_the_job_says_done(
    jobs: Jobs, store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    put = store.put

    def slow_put(key: str, blob) -> None:
        time.sleep(0.1)
        seen.append(jobs.snapshot(key).status)
        put(key, blob)

    monkeypatch.setattr(store, "put", slow_put)
    job = jobs.submit(Play(name="a"))
    assert jobs.wait(job, SECONDS).status == "done" and seen == ["running"] and store.has(job.id)


# One experiment that builds on another


def test_a_nested_request_is_computed_once_and_stored_under_its_own_key(
    jobs: Jobs, store: ResultStore, stage: Stage
) -> None:
    job = jobs.submit(Play(name="a", needs="base"))
    assert jobs.wait(job, SECONDS).status == "done"
    outcome = jobs.result(job.id)
    assert outcome is not None and outcome.arrays["x"].tolist() == [4, 4, 4] and store.has(Play(name="base").key())
    jobs.wait(jobs.submit(Play(name="b", needs="base")), SECONDS)
    assert stage.ran == ["a", "base", "b"]


def test_cancelling_reaches_into_a_nested_request(jobs: Jobs, stage: Stage) -> None:
    stage.gate("base")
    job = jobs.submit(Play(name="a", needs="base"))
    stage.wait_for("base")
    until(lambda: jobs.snapshot(job).message == "playing")
    jobs.cancel(job)
    assert jobs.wait(job, SECONDS).status == "cancelled" and jobs.result(Play(name="base").key()) is None


# Progress


def test_previews_come_at_most_twice_a_second_and_the_last_one_always(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    meter = Meter()
    shown = []
    for step in range(1, 20):
        meter.update(Progress(step, 19, preview=b"%d" % step))
        shown.append(meter.preview)
        now[0] += 0.125
    assert PREVIEW_SECONDS == 0.5
    assert list(dict.fromkeys(shown)) == [b"1", b"5", b"9", b"13", b"17", b"19"] and meter.preview_seq == 6


def test_the_time_left_follows_from_the_steps_and_starts_anew_with_each_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [50.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    meter = Meter()
    meter.update(Progress(0, 10))
    assert meter.eta() is None
    now[0] += 4
    meter.update(Progress(2, 10))
    assert meter.eta() == pytest.approx(16)
    now[0] += 1
    assert meter.eta() == pytest.approx(15)
    now[0] += 99
    assert meter.eta() == 0
    meter.update(Progress(1, 100, "another stage"))
    assert meter.eta() is None
    now[0] += 0.5
    meter.update(Progress(2, 100))
    assert meter.eta() == pytest.approx(49)


def test_a_snapshot_shows_the_latest_step_curve_and_preview_and_does_not_change(jobs: Jobs, stage: Stage) -> None:
    gate = stage.gate("a")
    job = jobs.submit(Play(name="a", steps=2))
    until(lambda: jobs.snapshot(job).message == "playing")
    before = jobs.snapshot(job)
    assert (before.status, before.step, before.total, before.preview) == ("running", 0, 2, None) and before.active
    gate.set()
    after = jobs.wait(job, SECONDS)
    assert (after.preview, after.curve, after.preview_seq) == (b"png 2", (1.0,), 2)
    assert after.started is not None and after.finished is not None and after.finished >= after.started
    assert before.step == 0 and before.preview is None
