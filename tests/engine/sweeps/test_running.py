"""Carrying a sweep out: what is there is never made again, and whoever stops it loses nothing that was finished."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from engine.core import config
from engine.core.errors import Forbidden, Unavailable
from engine.core.request import build
from engine.jobs.scheduler import Jobs
from engine.people.person import Person
from engine.sweeps import running, state
from engine.sweeps.carriers import Queue
from engine.sweeps.plan import plan
from engine.sweeps.request import SweepRequest
from engine.sweeps.state import Progress, Sweep
from tests.engine.sweeps.toy import computed

ANN = Person("ann", role="member")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "POLL_SECONDS", 0.01)


def begun(**fields: Any) -> Sweep:
    given = {"what": "toy-layer", "models": ("small-vit",), "sites": ("mlp.hidden",), "units": "0-9", "part": 4}
    return state.begin(build(SweepRequest, **{**given, **fields}), "ann")


def queue(jobs: Jobs, sweep: Sweep) -> Queue:
    return Queue(jobs, ANN, sweep.id)


def test_a_sweep_makes_every_part_once_and_a_second_time_nothing(jobs: Jobs) -> None:
    sweep = begun()
    last = running.run(sweep, queue(jobs, sweep))
    assert (last.done, last.parts, last.pictures, last.failed) == (9, 9, 30, {})
    assert len(computed()) == len(set(computed())) == 30
    assert state.find(sweep.id).status == "done" and plan(sweep.request).missing == {}
    assert running.run(sweep, queue(jobs, sweep)).done == 9 and len(computed()) == 30


def test_a_larger_sweep_makes_only_what_a_smaller_one_has_not(jobs: Jobs) -> None:
    for sweep in (begun(sites=("blocks.1.mlp.hidden",), units="0-5"), begun()):
        running.run(sweep, queue(jobs, sweep))
    assert len(computed()) == len(set(computed())) == 30


def test_a_paused_sweep_stops_and_goes_on_where_it_was(jobs: Jobs) -> None:
    sweep, seen = begun(), list[int]()

    def tell(progress: Progress) -> None:
        seen.append(progress.done)
        if progress.done >= 2:
            state.want(sweep.id, "paused")

    last = running.run(sweep, queue(jobs, sweep), tell)
    assert 2 <= last.done < 9 and state.find(sweep.id).status == "paused"
    assert jobs.active() == [], "nothing of it waits any more"
    running.run(state.begin(sweep.request, "ann"), queue(jobs, sweep))
    assert state.find(sweep.id).status == "done" and len(computed()) == len(set(computed())) == 30


def test_a_part_that_fails_is_named_and_the_others_are_made(jobs: Jobs) -> None:
    sweep = begun(given={"fails": 5}, sites=("blocks.0.mlp.hidden",))
    last = running.run(sweep, queue(jobs, sweep))
    assert last.done == 2 and [*last.failed.values()] == ["Unit 5 cannot be looked at."]
    assert state.find(sweep.id).progress.failed == last.failed


def test_two_processes_do_not_work_on_one_sweep(jobs: Jobs) -> None:
    sweep = begun()
    with config.store().lease(f"sweep.{sweep.id}") as mine:
        assert mine
        with pytest.raises(Unavailable, match="works on the sweep"):
            running.run(sweep, queue(jobs, sweep))


def test_whoever_may_not_compute_may_not_sweep(jobs: Jobs) -> None:
    with pytest.raises(Forbidden, match="You may not compute"):
        running.start(begun(), jobs, Person("eve", role="viewer"))


def test_a_server_carries_it_out_on_a_thread(jobs: Jobs) -> None:
    sweep = begun(units="0-3")
    thread = running.start(sweep, jobs, ANN)
    assert thread is not threading.current_thread()
    thread.join(30)
    assert state.find(sweep.id).status == "done"


def test_a_sweep_that_cannot_begin_says_why(jobs: Jobs) -> None:
    sweep = begun(sites=("nothing",))
    running.start(sweep, jobs, ANN).join(30)
    assert "has no layer nothing" in state.find(sweep.id).progress.message
    assert state.find(sweep.id).status == "paused"
