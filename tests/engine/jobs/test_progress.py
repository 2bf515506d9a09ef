"""How far a job is: previews now and then, the time left, and a snapshot that does not change."""

from __future__ import annotations

import time

import pytest

from engine.core.request import Progress
from engine.jobs.progress import PREVIEW_SECONDS, Meter
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
