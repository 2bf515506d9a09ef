"""What goes wrong in a job is a message, never a dead worker or a lost result."""

from __future__ import annotations

import logging

import pytest

from engine.jobs.scheduler import Jobs
from tests.engine.jobs.playing import SECONDS, Play, Stage


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
