"""What the panel of running jobs says: what is done, what would stay, and what goes on."""

from __future__ import annotations

import time

import pytest
from streamlit.testing.v1 import AppTest

from engine.jobs.progress import Snapshot
from pages.common.job_panel import (
    WANTED,
    before_cancelling,
    cancel_label,
    cancelled_text,
    cancelled_texts,
    parts_done,
    running_text,
    time_left,
    waiting_text,
)


def test_what_was_stopped_or_failed_is_not_counted_as_done() -> None:
    states = ("done", "cancelled", "failed", "running", "queued", "done", "cancelled")
    assert parts_done(map(Snapshot, states), 8) == "2 of 8 parts done, 2 cancelled, 1 failed"
    assert parts_done([], 3) == "0 of 3 parts done"


def test_the_time_left_for_all_parts_is_that_of_parts_of_their_kind() -> None:
    kinds = {"a": "index", "b": "index", "c": "index", "d": "index", "found": "index"}
    took = {"a": Snapshot("done", started=100.0, finished=140.0), "found": Snapshot("done", finished=100.0)}
    assert time_left(took, kinds) == 3 * 40, "a result that was found took no time, and what nobody has begun counts"
    on = Snapshot("running", started=time.time() - 30)
    assert time_left({**took, "b": on}, kinds) == pytest.approx(10 + 2 * 40, abs=1)
    assert time_left({**took, "b": on, "c": on}, kinds) == pytest.approx((10 + 10 + 40) / 2, abs=1), "two at once"
    late = Snapshot("running", started=time.time() - 90)
    assert time_left({**took, "b": late}, kinds) == pytest.approx(2 * 40), "no part is done before it is"
    assert time_left({**took, "b": Snapshot("cancelled"), "c": Snapshot("failed")}, kinds) == 40
    assert time_left(took, {**kinds, "e": "find-units"}) is None, "of its kind none is there yet"
    assert time_left({"found": took["found"]}, kinds) is None


def test_how_long_a_step_takes_is_said_of_that_step() -> None:
    assert running_text(Snapshot("running", message="Reading", eta=31.2)) == "Reading · about 31 s left of this step"
    assert running_text(Snapshot("running")) == "Starting"


def test_one_button_cancels_all_parts_and_says_so() -> None:
    assert cancel_label(1) == "Cancel" and cancel_label(6) == "Cancel all 6 parts"


def test_what_is_kept_is_told_before_and_after_cancelling() -> None:
    mine = Snapshot("running", kept=3, persons=1)
    assert before_cancelling([mine, Snapshot("queued", persons=1)]) == "3 pictures finished so far: kept if you cancel."
    assert before_cancelling([Snapshot("running", persons=1), Snapshot("done", kept=4)]) == ""
    assert cancelled_text(1) == "Cancelled; 1 picture kept. **Run** makes the rest."
    assert cancelled_text(0) == "Cancelled before it was finished."
    assert cancelled_texts(4, 0) == "4 parts were cancelled before they were finished. **Run** makes the rest."
    assert cancelled_texts(2, 3).startswith("2 parts were cancelled before they were finished; 3 pictures kept. ")


def test_many_cancelled_parts_are_told_in_one_line() -> None:
    def panel() -> None:
        from engine.jobs.progress import Snapshot
        from pages.common import job_panel

        ended = {name: Snapshot("cancelled") for name in ("a", "b", "c")}
        job_panel._say_what_ended(ended, {name: f"Part {name}" for name in ended})

    (told,) = AppTest.from_function(panel).run().markdown
    assert "3 parts were cancelled" in told.value


def test_another_persons_wish_is_told_before_one_cancels() -> None:
    assert before_cancelling([Snapshot("queued", persons=2)]) == WANTED
    assert before_cancelling([Snapshot("running", kept=1, persons=2)]).endswith(WANTED)


def test_a_waiting_job_says_its_place() -> None:
    assert waiting_text(Snapshot("queued", position=2, waiting=5)) == "Queued: number 2 of 5 in the queue"
    assert waiting_text(None) == "Queued"


def test_what_a_job_did_stands_behind_a_button_while_it_runs_from_its_second_kind_of_work_on() -> None:
    def panel() -> None:
        from engine.jobs.progress import Snapshot
        from pages.common import job_panel

        waits = Snapshot("queued")
        job_panel.log([waits, Snapshot("running", stages=((0.0, "1 of 9 images"),))], "one")
        stages = ((0.0, "9 of 9 images"), (75.4, "Pictures of [a](b)"))
        job_panel.log([waits, Snapshot("running", stages=stages)], "two")
        job_panel.log([Snapshot("done", stages=stages)], "three")

    app = AppTest.from_function(panel, default_timeout=30).run()
    assert not app.exception
    assert [each.value for each in app.markdown] == ["0:00 9 of 9 images  \n1:15 Pictures of \\[a\\]\\(b\\)"]
