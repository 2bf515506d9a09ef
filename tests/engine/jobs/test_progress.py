"""How far a job is: previews now and then, the time left, and a snapshot that does not change."""

from __future__ import annotations

import time

import numpy as np
import pytest

from engine.core.request import Made, Progress
from engine.jobs.progress import MOST_STAGES, PREVIEW_SECONDS, Meter
from engine.jobs.scheduler import Jobs
from tests.engine.jobs.playing import SECONDS, Play, Stage, until


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


def test_a_picture_that_is_finished_stays_whatever_comes_later_under_its_name() -> None:
    growing, done, other = (np.full((2, 2, 3), grey, np.uint8) for grey in range(3))
    meter = Meter()
    meter.update(Progress(1, 4, made={"7": Made(growing), "8": Made(growing)}))
    assert meter.kept == 0 and meter.made["7"].picture is growing
    meter.update(Progress(2, 4, made={"7": Made(done, 1.5, kept=True)}))
    meter.update(Progress(3, 4))
    meter.update(Progress(4, 4, made={"7": Made(other, 9.0, kept=True)}))
    assert meter.made == {"7": Made(done, 1.5, True), "8": Made(growing)} and meter.kept == 1


def test_a_running_job_shows_its_pictures_and_one_that_ended_says_how_many_are_kept(jobs: Jobs, stage: Stage) -> None:
    stage.gate("a")
    job = jobs.submit(Play(name="a", act="makes three"))
    until(lambda: len(jobs.snapshot(job).made) == 3)
    before = jobs.snapshot(job)
    assert [each.kept for each in before.made.values()] == [True, True, True] and before.kept == 3
    jobs.cancel(job)
    after = jobs.wait(job, SECONDS)
    assert (after.status, after.kept, dict(after.made)) == ("cancelled", 3, {}) and len(before.made) == 3


def test_a_snapshot_shows_the_latest_step_curve_and_preview_and_does_not_change(jobs: Jobs, stage: Stage) -> None:
    gate = stage.gate("a")
    job = jobs.submit(Play(name="a", steps=2))
    until(lambda: jobs.snapshot(job).message == "playing")
    before = jobs.snapshot(job)
    assert (before.status, before.step, before.total, before.preview) == ("running", 0, 2, None) and before.active
    gate.set()
    after = jobs.wait(job, SECONDS)
    assert (after.preview, after.curve, after.preview_seq) == (b"png 2", (1.0,), 2)
    assert [told for _, told in after.stages] == ["playing"] and before.stages
    assert after.started is not None and after.finished is not None and after.finished >= after.started
    assert before.step == 0 and before.preview is None


def test_what_it_did_is_a_line_for_each_kind_of_work_with_its_latest_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [50.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    meter = Meter()
    said = [
        "",
        "0 of 1,698 images",
        "64 of 1,698 images",
        "Pictures: 1 to 4",
        "Pictures: 5 to 8",
        "Comparing",
        "7 of 9 images",
    ]
    for message in said:
        meter.update(Progress(0, 10, message))
        now[0] += 2
    assert meter.stages == [
        (0.0, "64 of 1,698 images"),
        (4.0, "Pictures: 5 to 8"),
        (8.0, "Comparing"),
        (10.0, "7 of 9 images"),
    ]
    for number in range(200):
        meter.update(Progress(0, 10, "odd" if number % 2 else "even"))
    assert len(meter.stages) == MOST_STAGES and meter.stages[-1][1] == "odd"
