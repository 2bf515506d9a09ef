"""What goes wrong in a job is a message, never a dead worker or a lost result."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from cache.store import ResultStore
from engine.core.request import Result
from engine.jobs.keys import request_key, stored_key
from engine.jobs.runner import Runner
from engine.jobs.scheduler import Jobs
from tests.engine.jobs.playing import SECONDS, Play, Stage, full


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
    with monkeypatch.context() as broken:
        broken.setattr(store, "put", full)
        job = jobs.submit(Play(name="a"))
        snapshot = jobs.wait(job, SECONDS)
        assert snapshot.status == "done" and snapshot.error is None
        assert snapshot.warning is not None and "kept in memory only, because the disk is full" in snapshot.warning
        kept = jobs.result(job.id)
        assert kept is not None and kept.arrays["x"].tolist() == [1, 1, 1] and store.get(stored_key(job.id)) is None
        assert jobs.snapshot(jobs.submit(Play(name="a"))).warning == snapshot.warning and stage.ran == ["a"]
    jobs.wait(jobs.submit(Play(name="b")), SECONDS)
    assert store.get(stored_key(job.id)) is not None and jobs.snapshot(job).warning is None


def test_a_spare_result_that_cannot_be_stored_takes_no_place_from_others(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(store)
    monkeypatch.setattr(store, "put", full)
    assert not runner.keep(Play(name="spare"), Result({}), spare=True) and runner.find(Play(name="spare").key()) is None
    assert not runner.keep(Play(name="whole"), Result({})) and runner.find(Play(name="whole").key()) is not None


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
        seen.append(jobs.snapshot(request_key(key)).status)
        put(key, blob)

    monkeypatch.setattr(store, "put", slow_put)
    job = jobs.submit(Play(name="a"))
    assert jobs.wait(job, SECONDS).status == "done" and seen == ["running"] and store.has(stored_key(job.id))
