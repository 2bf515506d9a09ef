"""What every executor promises, whatever it is made of. `python -m bench.executors` prints it as a table."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from cache.blob import Blob
from engine.core.errors import Cancelled
from engine.core.request import Request
from engine.jobs import keys
from engine.jobs.executors.cluster import Slurm
from engine.jobs.executors.executor import Executor, Handle
from engine.jobs.executors.threads import Threads
from engine.jobs.executors.wire import Task
from engine.jobs.executors.worker import Lacks
from engine.visualization.recipe import CUSTOM
from engine.visualization.recipes import recipe_named
from engine.visualization.single import PictureRequest
from tests.engine.jobs.executors.tiny import Brief, Tiny, noted

SECONDS = 180.0
STEPS = 3
RECIPE = recipe_named("fast").model_copy(update={"name": CUSTOM, "steps": STEPS})
PICTURE = PictureRequest(model="starter-cnn", site="stages.1.blocks.1", wanted="3", recipe=RECIPE, seed=0)
FIRST: dict[str, dict[str, bytes]] = {}
"""What the first executor gave."""
DEAD: set[int] = set()
"""Processes that were killed, and are not killed again while they are a number in a list."""


def fresh(name: str = "") -> str:
    """A name that no other test asks for."""
    return f"{name}{secrets.token_hex(3)}"


def here(executor: Executor) -> bool:
    """Whether it computes in this very process."""
    return isinstance(executor, Threads) or (isinstance(executor, Slurm) and executor.cluster == "debug")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """This process computes with one thread, as workers do here."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that takes the start of a process, which on a busy machine takes long."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def ended(*handles: Handle) -> None:
    for handle in handles:
        assert handle.wait(SECONDS), f"{handle.request} did not end: {handle.snapshot()}"


def test_each_request_ends_in_its_own_way_and_is_stored_before_it_is_done(executor: Executor, ledger: str) -> None:
    request = Tiny(name=fresh("abc"), ledger=ledger)
    wanted = [request, Tiny(name=fresh(), act="refuses"), Tiny(name=fresh(), act="fails"), request]
    done, refused, failed, same = executor.submit_all(wanted)
    assert done is same is executor.submit(request), "what waits or runs is not asked for twice"
    ended(done, refused, failed)
    assert done.status == "done", done.error
    place = keys.stored_key(request.key(), keys.computes_in(request))
    blob = executor.runner.store.get(place)
    assert isinstance(blob, Blob) and blob.arrays["x"].tolist() == [97, 98, 99]
    assert done.result().key == place and done.attempts == 1
    assert (refused.status, str(refused.error)) == ("failed", "Unit 900 is out of range.")
    assert failed.status == "failed" and "secret" not in str(failed.error) and "error id" in str(failed.error)
    assert executor.submit(request).status == "done", "what is stored is done at once"
    assert [what for what, _, _ in noted(ledger)] == ["begins", "ends"]


def test_what_runs_shows_how_it_goes_and_all_can_be_cancelled(executor: Executor, ledger: str) -> None:
    requests = [Tiny(name=fresh(), steps=1000, seconds=0.05, ledger=ledger) for _ in range(executor.slots + 1)]
    handles = executor.submit_all(requests)
    until(lambda: any(handle.status == "running" and handle.snapshot().step > 0 for handle in handles))
    waiting = next(handle for handle in reversed(handles) if handle.status == "queued")
    waiting.cancel()
    ended(waiting)
    running = next(handle for handle in handles if handle.status == "running" and handle.snapshot().step > 0)
    seen = running.snapshot()
    assert (seen.total, seen.message) == (1000, "counting")
    assert seen.preview is not None and seen.preview.startswith(b"png ")
    assert isinstance(running.request, Tiny) and seen.made[running.request.name].picture.shape == (2, 2, 3)
    for handle in handles:
        handle.cancel()
    ended(*handles)
    assert {handle.status for handle in handles} == {"cancelled"}
    with pytest.raises(Cancelled):
        running.result()
    lines = noted(ledger)
    assert {what for what, _, _ in lines} == {"begins"}
    if executor.name != "slurm":  # a cluster may begin a task between the look and the cancelling; it does not end it
        assert isinstance(waiting.request, Tiny) and waiting.request.name not in {name for _, name, _ in lines}


def test_a_request_that_cannot_be_sent_ends_with_a_sentence_and_the_others_go_on(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(executor, Threads):
        pytest.skip("nothing is sent anywhere")
    odd, other, real = Tiny(name=fresh()), Tiny(name=fresh()), Task.of

    def of(request: Request, precision: str = "") -> Task:
        if request is odd:
            raise OSError("Input/output error")
        return real(request, precision)

    monkeypatch.setattr(Task, "of", of)
    handles = executor.submit_all([odd, other])
    ended(*handles)
    assert [handle.status for handle in handles] == ["failed", "done"], handles[1].error
    assert str(handles[0].error).startswith("Something went wrong inside tiny (error id")


def test_a_network_gives_the_same_bytes_wherever_it_is_computed(executor: Executor) -> None:
    with one_thread():
        handle = executor.submit(PICTURE)
        ended(handle)
    assert handle.status == "done", handle.error
    arrays = handle.result().arrays
    assert arrays["image"].shape == (96, 96, 3) and len(arrays["curve"]) == STEPS
    first = FIRST.setdefault("picture", {name: array.tobytes() for name, array in arrays.items()})
    assert {name: array.tobytes() for name, array in arrays.items()} == first


def test_a_worker_with_other_weights_says_so_and_its_result_is_not_taken(
    executor: Executor, monkeypatch: pytest.MonkeyPatch, ledger: str
) -> None:
    if here(executor):
        pytest.skip("the same process has the same weights")
    monkeypatch.setattr(Tiny, "fingerprints", lambda self: {"weights": "those that are here"})
    handle = executor.submit(Tiny(name=fresh(), ledger=ledger))
    ended(handle)
    assert handle.status == "failed" and isinstance(handle.error, Lacks)
    assert "has another weights of that name" in str(handle.error) and noted(ledger) == []


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nothing_but_time(executor: Executor, ledger: str) -> None:
    if here(executor):
        pytest.skip("it dies with this process")
    random = np.random.default_rng()
    handles = executor.submit_all([Tiny(name=fresh(), ledger=ledger, steps=12, seconds=0.1) for _ in range(6)])
    for _ in range(2):
        time.sleep(float(random.uniform(0, 1)))
        kill_one(ledger)
    ended(*handles)
    assert [handle.status for handle in handles] == ["done"] * 6, [handle.error for handle in handles]
    lines = noted(ledger)
    begun = [name for what, name, _ in lines if what == "begins"]
    finished = [name for what, name, _ in lines if what == "ends"]
    assert len(finished) == len(set(finished)) == 6, "what was finished is not computed again"
    assert len(begun) == 8 and max(begun.count(name) for name in finished) <= 2


def kill_one(ledger: str) -> None:
    """Kill a process that is at a request which it began for the first time."""

    def killed() -> bool:
        lines = noted(ledger)
        over = {name for what, name, _ in lines if what == "ends"}
        names = [name for what, name, _ in lines if what == "begins"]
        for what, name, process in lines:
            if what == "begins" and name not in over and names.count(name) == 1 and process not in DEAD:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                    DEAD.add(process)
                    return True
        return False

    until(killed)


@pytest.mark.slow
def test_a_job_that_kills_its_worker_each_time_ends_and_the_others_go_on(executor: Executor) -> None:
    if here(executor):
        pytest.skip("it dies with this process")
    deadly, once, harmless = executor.submit_all(
        [Tiny(name=fresh(), act="dies"), Tiny(name=fresh(), act="breaks"), Tiny(name=fresh())]
    )
    ended(deadly, once, harmless)
    assert (deadly.status, deadly.attempts) == ("failed", 2) and "died twice" in str(deadly.error)
    assert once.status == "failed" and harmless.status == "done"


def test_a_short_request_does_not_wait_for_the_long_ones(executor: Executor) -> None:
    if not executor.passes:
        pytest.skip("short ones are computed by who would ask")
    long = executor.submit_all([Tiny(name=fresh(), steps=1000, seconds=0.05) for _ in range(executor.slots)])
    until(lambda: all(handle.status == "running" for handle in long))
    short = executor.submit(Brief(name=fresh(), steps=1))
    ended(short)
    assert all(handle.status == "running" for handle in long) and short.status == "done"
    for handle in long:
        handle.cancel()
    ended(*long)
