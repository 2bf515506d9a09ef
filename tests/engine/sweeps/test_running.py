"""Carrying a sweep out: what is there is never made again, and whoever stops it loses nothing that was finished."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from engine.core import config
from engine.core.errors import Forbidden, Unavailable
from engine.core.request import build
from engine.jobs.executors.executor import Gone, Handle
from engine.jobs.executors.threads import Threads
from engine.jobs.runner import Runner
from engine.jobs.scheduler import Jobs
from engine.people import audit
from engine.people.person import Person
from engine.sweeps import running, state
from engine.sweeps.carriers import AHEAD, Direct, Queue
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


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


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
    now = state.find(sweep.id)
    assert now.progress.failed == last.failed and now.status == "failed"


def test_two_processes_do_not_work_on_one_sweep(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "HEARD_SECONDS", 0.1)
    sweep = begun()
    with config.store().lease(f"sweep.{sweep.id}") as mine:
        assert mine
        with pytest.raises(running.Busy, match="works on the sweep"):
            running.run(sweep, queue(jobs, sweep))


def test_whoever_may_not_compute_may_not_sweep(jobs: Jobs) -> None:
    with pytest.raises(Forbidden, match="You may not compute"):
        running.start(begun(), jobs, Person("eve", role="viewer"))


def test_one_person_has_only_so_many_sweeps_on(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, configured: Callable[..., None]
) -> None:
    configured(limits={"sweeps_per_person": 1})
    first, second = begun(), begun(part=5)
    thread = held(jobs, first, monkeypatch)
    with pytest.raises(Unavailable, match="already have 1 of the 1 sweeps on"):
        running.start(second, jobs, ANN)
    assert not state.find(second.id).progress.process, "nobody works on it"
    running.start(first, jobs, ANN)  # the same again is no other
    running.refuse_too_many(second.id, Person("ben", role="member"))
    running.refuse_too_many(second.id, Person("ann", role="operator"))
    state.stop(first, ANN, "paused")
    thread.join(30)
    monkeypatch.setenv("VITRINE_TOY_SECONDS", "0")
    running.start(second, jobs, ANN).join(30)
    assert state.find(second.id).status == "done"


def test_in_a_demo_nobody_but_an_operator_starts_a_sweep(jobs: Jobs, configured: Callable[..., None]) -> None:
    configured(demo=True)
    with pytest.raises(Forbidden, match="only its operators start sweeps"):
        running.start(begun(), jobs, ANN)
    running.start(begun(units="0-3"), jobs, Person("ann", role="operator")).join(30)
    assert computed()


def test_a_server_carries_it_out_on_a_thread_and_notes_down_who_started_it(
    jobs: Jobs, configured: Callable[..., None]
) -> None:
    configured(access={"audit": True})
    sweep = begun(units="0-3")
    thread = running.start(sweep, jobs, ANN)
    assert thread is not threading.current_thread()
    thread.join(30)
    assert state.find(sweep.id).status == "done"
    started = [line for line in audit.lines() if line["did"] == "sweep"]
    assert [(line["person"], line["outcome"], line["key"]) for line in started] == [(ANN.id, "started", sweep.id)]


def test_a_sweep_that_cannot_begin_says_why(jobs: Jobs) -> None:
    sweep = begun(sites=("nothing",))
    running.start(sweep, jobs, ANN).join(30)
    assert "has no layer nothing" in state.find(sweep.id).progress.message
    assert state.find(sweep.id).status == "paused"


# Who stops it, and who does not


def held(jobs: Jobs, sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> threading.Thread:
    """A sweep that is on, of which each unit takes a moment."""
    monkeypatch.setenv("VITRINE_TOY_SECONDS", "0.05")
    thread = running.start(sweep, jobs, ANN)
    until(lambda: bool(computed()))
    return thread


def test_starting_a_sweep_that_is_on_changes_nothing(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "HEARD_SECONDS", 0.1)
    sweep = begun()
    first = held(jobs, sweep, monkeypatch)
    second = running.start(state.begin(sweep.request, "ann"), jobs, ANN)
    second.join(30)
    assert first.is_alive() and state.find(sweep.id).status == "running"
    first.join(30)
    assert state.find(sweep.id).status == "done" and len(computed()) == 30


def test_a_sweep_that_is_stopping_is_waited_for_and_goes_on(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = begun()
    monkeypatch.setenv("VITRINE_TOY_SECONDS", "0.5")
    first = running.start(sweep, jobs, ANN)
    until(lambda: any(each.status == "running" for each in map(jobs.snapshot, jobs.active())))
    state.stop(sweep, ANN, "paused")
    until(lambda: state.find(sweep.id).progress.message == running.STOPPING)
    assert first.is_alive(), "a unit takes longer than that"
    monkeypatch.setenv("VITRINE_TOY_SECONDS", "0")
    state.go_on(sweep, ANN)
    running.start(sweep, jobs, ANN).join(30)
    assert not first.is_alive() and state.find(sweep.id).status == "done"
    assert len(computed()) == len(set(computed())) == 30


def test_one_who_pauses_does_not_stop_it_for_another(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = state.begin(begun().request, "bob")
    thread = held(jobs, sweep, monkeypatch)
    state.stop(sweep, ANN, "paused")
    thread.join(30)
    assert state.find(sweep.id).status == "done"


def test_one_that_was_interrupted_does_not_say_that_it_stops_any_more(jobs: Jobs) -> None:
    sweep, interrupts = begun(), [KeyboardInterrupt()]

    def tell(progress: Progress) -> None:
        if progress.done and interrupts:
            raise interrupts.pop()

    with pytest.raises(KeyboardInterrupt):
        running.run(sweep, queue(jobs, sweep), tell)
    assert state.find(sweep.id).progress.message == "" and jobs.active() == []


# Who carries it out


def test_a_queue_has_as_many_parts_as_it_carries_out_at_once_and_some_that_wait(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Jobs, "slots", 8)
    assert queue(jobs, begun()).ahead == 8 + AHEAD


def test_an_executor_whose_workers_come_later_is_given_more_parts_then() -> None:
    executor = Threads(Runner(config.store()))
    carrier = Direct(executor)
    before, executor.slots = carrier.ahead, 5
    assert (before, carrier.ahead) == (2, 10)
    executor.close()


def test_the_parts_of_a_server_that_shuts_down_stay_open(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = begun()
    thread = held(jobs, sweep, monkeypatch)
    jobs.drain(0.1)
    assert thread.is_alive()
    jobs.close()
    thread.join(30)
    last = state.find(sweep.id)
    assert not thread.is_alive() and last.progress.failed == {} and last.progress.done < 9 and last.wanted == "on"
    monkeypatch.setenv("VITRINE_TOY_SECONDS", "0")
    after = Jobs(config.store())
    assert running.run(sweep, queue(after, sweep)).done == 9
    after.close()


class Away(Threads):
    """An executor that nobody answers for a while: where it is asked, or while a part waits."""

    def __init__(self, silent: int, early: bool) -> None:
        super().__init__(Runner(config.store()))
        self.silent, self.early = silent, early

    def _send(self, handles: Sequence[Handle]) -> None:
        if self.silent <= 0:
            super()._send(handles)
            return
        self.silent -= 1
        if self.early:
            raise Gone("The scheduler does not answer.")
        for handle in handles:
            handle.ends("failed", Gone("The scheduler does not answer."))


@pytest.mark.parametrize("early", [True, False])
def test_where_nobody_answers_parts_wait_and_people_read_why(early: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "AGAIN_SECONDS", 0.05)
    sweep, executor, told = begun(), Away(3, early), list[Progress]()
    last = running.run(sweep, Direct(executor), told.append)
    executor.close()
    assert (last.done, last.failed) == (9, {}) and all(each.failed == {} for each in told)
    assert "The scheduler does not answer." in {each.message for each in told}
    assert len(computed()) == len(set(computed())) == 30


def test_a_sweep_that_somebody_goes_on_with_is_on_at_once_and_what_failed_is_tried_again(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = begun(sites=("blocks.0.mlp.hidden",))
    monkeypatch.setattr(running, "run", lambda *given: sweep.progress)
    for before in (
        Progress(process="0" * 16, done=1, parts=3),
        Progress(process=config.store().mark.id, done=1, parts=3, failed={"a": "No.", "b": "No."}),
    ):
        state.note(sweep.id, before)
        assert state.find(sweep.id).status in ("interrupted", "failed")
        running.start(state.find(sweep.id), jobs, ANN).join(30)
        now = state.find(sweep.id)
        assert now.status == "running" and now.progress.failed == {} and now.progress.done == 1
