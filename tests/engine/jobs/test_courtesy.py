"""Jobs that yield stand still while somebody's page is drawn, and go on when it stands."""

from __future__ import annotations

import threading

from engine.jobs.courtesy import Courtesy


def test_where_nobody_looks_nothing_waits() -> None:
    assert Courtesy().wait() < 0.1


def test_a_job_goes_on_when_the_page_stands_and_not_before() -> None:
    courtesy, order = Courtesy(), list[str]()
    drawn = threading.Event()

    def draw() -> None:
        with courtesy.drawing(after=0.0):
            waiting.start()
            drawn.wait(5)
            order.append("page")

    def go_on() -> None:
        drawn.set()
        courtesy.wait()
        order.append("job")

    waiting = threading.Thread(target=go_on)
    draw()
    waiting.join(5)
    assert order == ["page", "job"]


def test_a_moment_after_the_page_belongs_to_the_browser() -> None:
    courtesy = Courtesy()
    with courtesy.drawing(after=0.2):
        pass
    assert courtesy.wait() >= 0.15


def test_pages_without_end_do_not_keep_a_job_for_ever() -> None:
    courtesy = Courtesy()
    with courtesy.drawing():
        assert 0.1 <= courtesy.wait(most=0.1) < 5
