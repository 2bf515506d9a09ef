"""A handle: how one request on its way says how it goes."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import BadRequest, Cancelled, Unavailable
from engine.core.request import Made, Progress, Result
from engine.jobs.executors.executor import Handle, joined
from tests.engine.jobs.playing import Play


def handle(found: Result | None = None) -> Handle:
    return Handle(Play(name="a"), "key", lambda: found)


def made(activation: float | None) -> Made:
    return Made(np.zeros((1, 1, 3), np.uint8), activation)


def test_a_handle_that_is_done_gives_the_stored_result() -> None:
    stored = Result({"name": "a"})
    part = handle(stored)
    with pytest.raises(Unavailable, match="not there"):
        part.result()
    part.begins("worker 1")
    part.ends("done")
    assert part.wait(0) and part.result() is stored and (part.attempts, part.where) == (1, "worker 1")


def test_a_handle_that_ended_never_changes() -> None:
    part = handle()
    part.ends("failed", BadRequest("There is none."))
    part.begins("worker 1")
    part.tells(Progress(1, 2, "late"))
    part.waits("again")
    part.ends("done")
    assert part.status == "failed" and part.snapshot().error == "There is none." and part.news() is None
    with pytest.raises(BadRequest, match="There is none"):
        part.result()


def test_a_cancelled_handle_says_so_and_ends_when_its_executor_does() -> None:
    part = handle()
    part.begins("worker 1")
    part.cancel()
    assert part.cancelled and not part.ended and part.snapshot().message == "Stopping"
    part.ends("cancelled")
    with pytest.raises(Cancelled):
        part.result()


def test_a_handle_that_waits_again_says_why_and_counts_its_attempts() -> None:
    part = handle()
    part.begins("worker 1")
    part.tells(Progress(3, 4))
    part.waits("The worker died; it begins again.")
    assert part.snapshot().message.startswith("The worker died") and part.snapshot().step == 0
    part.begins("worker 2")
    assert part.attempts == 2 and part.where == "worker 2"


def test_news_are_told_once_and_no_finished_picture_is_lost_between_two_questions() -> None:
    part = handle()
    part.begins("worker 1")
    part.tells(Progress(1, 9, "one", b"png", made={"7": made(1.0), "8": made(None)}))
    part.tells(Progress(2, 9, "two", made={"8": made(2.0)}))
    news = part.news()
    assert news is not None and (news.step, news.message, news.preview) == (2, "two", b"png")
    assert {name: each.activation for name, each in news.made.items()} == {"7": 1.0, "8": 2.0}
    assert part.news() is None


def test_a_finished_picture_stays_when_a_later_report_shows_another_of_its_name() -> None:
    both = joined(Progress(1, 2, made={"7": made(1.0)}), Progress(2, 2, made={"7": made(None)}))
    assert both.made["7"].activation == 1.0
