"""Processes of this machine: two people at once, and none that is left over."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cache.store import ResultStore
from engine.core.errors import BadRequest
from engine.jobs.executors import processes
from engine.jobs.executors.executor import Handle
from engine.jobs.executors.places import environment
from engine.jobs.executors.processes import Message, Processes
from engine.jobs.executors.worker import ATTEMPTS
from engine.jobs.relays import carriers
from engine.jobs.runner import Runner
from engine.jobs.scheduler import Jobs
from engine.people.person import Person
from tests.engine.jobs.executors.conftest import alive
from tests.engine.jobs.executors.test_contract import ended, fresh, until
from tests.engine.jobs.executors.tiny import Brief, Tiny, noted

ANNA, BERT = Person("anna"), Person("bert")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResultStore]:
    opened = ResultStore(tmp_path / "results")
    yield opened
    opened.close()


@pytest.mark.slow
def test_two_peoples_jobs_run_at_once_and_nothing_is_left_at_the_end(store: ResultStore, ledger: str) -> None:
    jobs = Jobs(store, carriers=partial(carriers, processes=2))
    try:
        assert jobs.slots == 2
        long = [
            jobs.submit(Tiny(name=fresh(), steps=1000, seconds=0.05, ledger=ledger), person) for person in (ANNA, BERT)
        ]
        until(lambda: len(noted(ledger)) == 2 and all(jobs.snapshot(job).preview for job in long))
        processes = {process for _, _, process in noted(ledger)}
        assert len(processes) == 2 and os.getpid() not in processes
        short = jobs.submit(Brief(name=fresh(), steps=1), BERT)
        assert jobs.wait(short, 60).status == "done"
        assert {jobs.snapshot(job).status for job in long} == {"running"}
        assert jobs.cancel(long[0], ANNA) and jobs.wait(long[0], 60).status == "cancelled"
    finally:
        jobs.close()
    assert not [process for process in processes if alive(process)]


@pytest.mark.slow
def test_a_request_that_takes_too_long_ends_with_a_sentence_and_is_not_begun_again(
    store: ResultStore, ledger: str
) -> None:
    there = Processes(Runner(store), ["cpu"], 1, part_seconds=1.0)
    endless, next_one = there.submit_all([Tiny(name=fresh(), act="lingers", ledger=ledger), Tiny(name=fresh())])
    ended(endless, next_one)
    there.close()
    assert "took longer than 1 second and" in str(endless.error) and next_one.status == "done"
    assert len(noted(ledger)) == 1


@pytest.mark.slow
def test_a_device_that_is_not_there_is_one_sentence(store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    there = Processes(Runner(store), ["cuda:63"])
    handle = there.submit(Tiny(name=fresh()))
    ended(handle)
    there.close()
    assert str(handle.error).startswith("A worker process could not be started: ")
    assert "cuda" in str(handle.error) and "Traceback" not in str(handle.error)


def test_a_device_that_is_hidden_is_refused_before_anything_waits_for_it(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(BadRequest, match="There is no cuda:1 here"):
        Processes(Runner(store), ["cuda:1"])


@pytest.mark.slow
def test_a_device_that_is_not_there_takes_no_job_from_one_that_is(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    there = Processes(Runner(store), ["cuda:63", "cpu"], 1)
    handles = there.submit_all([Tiny(name=fresh(), steps=20, seconds=0.1) for _ in range(8)])
    ended(*handles)
    there.close()
    assert {handle.status for handle in handles} == {"done"}, [handle.error for handle in handles]


class Recovers:
    """Of the processes of a GPU the first one ends at once, and the next one is ready."""

    made = 0

    def __init__(self, store: object, device: str, threads: int) -> None:
        self.ready, self.trouble = device == "cpu", ""
        type(self).made += not self.ready
        self._dies = type(self).made == 1

    def next(self, seconds: float) -> Message | None:
        if self._dies:
            raise EOFError
        return {"told": "ready"}, b""

    def end(self) -> str:
        return "exit code 1"


def test_a_device_that_can_be_used_again_is_used_again(store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(processes, "Child", Recovers)
    monkeypatch.setattr(processes, "AGAIN_SECONDS", 0.1)
    there = Processes(Runner(store), ["cuda:0", "cpu"], 1)
    slot = there._slots[0]
    slot._unable = ATTEMPTS
    assert slot.unable and there.has_able()
    until(lambda: not slot.unable)
    there.close()
    assert Recovers.made == 2


class Scarce:
    """Processes that the machine has no room for so many times; those that are started carry out what they are given, but for
    the first where it `dies`."""

    lacking, started, dies = 0, 0, False

    def __init__(self, store: object, device: str, threads: int) -> None:
        if type(self).lacking and (type(self).started or not self.dies):
            type(self).lacking -= 1
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), sys.executable)
        type(self).started += 1
        self._dies = self.dies and type(self).started == 1
        self.ready, self.trouble = True, ""
        self._says: list[Message] = []

    def send(self, header: Mapping[str, Any], payload: bytes = b"") -> None:
        self._says = [({"key": header["do"], "told": told, "status": "done"}, b"") for told in ("begins", "ends")]

    def next(self, seconds: float) -> Message | None:
        if self._dies and len(self._says) == 1:
            raise EOFError
        return self._says.pop(0) if self._says else None

    def end(self) -> str:
        return "signal 9, SIGKILL"


@pytest.fixture
def scarce(monkeypatch: pytest.MonkeyPatch) -> type[Scarce]:
    class Own(Scarce):
        pass

    monkeypatch.setattr(processes, "Child", Own)
    monkeypatch.setattr(processes, "AGAIN_SECONDS", 0.1)
    return Own


@pytest.mark.parametrize("dies", [False, True])
def test_a_job_waits_while_the_machine_has_no_room_for_a_process(
    store: ResultStore, scarce: type[Scarce], monkeypatch: pytest.MonkeyPatch, dies: bool
) -> None:
    """At the start, or after the process died that had begun with it."""
    told: list[str] = []
    monkeypatch.setattr(Handle, "waits", lambda handle, message="": told.append(message))
    scarce.lacking, scarce.dies = 2, dies
    there = Processes(Runner(store), ["cpu"], 1)
    first, later = there.submit_all([Tiny(name="a"), Tiny(name="b")])
    ended(first, later)
    there.close()
    assert first.status == later.status == "done" and scarce.lacking == 0
    assert told[-1] == f"A worker process could not be started, and it is tried again: {os.strerror(errno.EAGAIN)}"


def test_where_no_process_can_be_started_jobs_end_with_the_reason_until_one_can(
    store: ResultStore, scarce: type[Scarce]
) -> None:
    scarce.lacking = 1 << 20
    there = Processes(Runner(store), ["cpu"], 1)
    failed = there.submit(Tiny(name="a"))
    ended(failed)
    scarce.lacking = 0
    done = there.submit(Tiny(name="b"))
    ended(done)
    there.close()
    assert str(failed.error) == f"A worker process could not be started: {os.strerror(errno.EAGAIN)}"
    assert done.status == "done"


def test_a_slot_without_a_process_takes_no_job_from_one_that_has_one(store: ResultStore, scarce: type[Scarce]) -> None:
    there = Processes(Runner(store), ["cpu", "cpu"], 1)
    until(lambda: scarce.started == 2)
    slot = there._slots[0]
    slot.child, scarce.lacking = None, 1 << 20
    handles = there.submit_all([Tiny(name=f"{number}") for number in range(6)])
    ended(*handles)
    assert {handle.status for handle in handles} == {"done"} and slot.thread.is_alive()
    there.close()


@pytest.mark.slow
def test_a_process_ends_with_who_started_it(tmp_path: Path, ledger: str) -> None:
    """Also where that one is killed, and can say nothing any more."""
    script = tmp_path / "server.py"
    script.write_text(
        "import time\nfrom cache.store import ResultStore\nfrom engine.jobs.executors.processes import Processes\n"
        "from engine.jobs.runner import Runner\nfrom tests.engine.jobs.executors.tiny import Tiny\n"
        f"there = Processes(Runner(ResultStore({str(tmp_path / 'results')!r})), ['cpu'], 1)\n"
        f"there.submit(Tiny(name='a', steps=1000, seconds=0.05, ledger={ledger!r}))\ntime.sleep(600)\n"
    )
    server = subprocess.Popen([sys.executable, str(script)], env=environment("cpu", 1))
    until(lambda: len(noted(ledger)) == 1)
    process = noted(ledger)[0][2]
    server.send_signal(signal.SIGKILL)
    server.wait()
    end = time.monotonic() + 15
    while alive(process) and time.monotonic() < end:
        time.sleep(0.1)
    assert not alive(process)
