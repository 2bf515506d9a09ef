"""A Dask pool: what happens without its scheduler, and who may connect."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from cache.store import ResultStore
from engine.core.errors import BadRequest
from engine.core.settings.cluster import Cluster
from engine.jobs.executors import dask_pool, dask_worker
from engine.jobs.executors.dask_pool import Away, Pool
from engine.jobs.executors.dask_worker import security, unpacked
from engine.jobs.executors.executor import Gone, Handle
from engine.jobs.executors.places import environment
from engine.jobs.executors.wire import Task, write_message
from engine.jobs.executors.worker import Lacks
from engine.jobs.runner import Runner
from tests.engine.jobs.executors.conftest import dask, free_port, started, stopped
from tests.engine.jobs.executors.test_contract import ended, fresh, until
from tests.engine.jobs.executors.tiny import Tiny, noted
from tests.load.loops import apart

distributed = pytest.importorskip("distributed")
WORDS = "does not answer. Start it, or set dask_scheduler to another."


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    monkeypatch.setattr(dask_pool, "AGAIN_SECONDS", 0.2)
    monkeypatch.setattr(dask_pool, "CONNECT_SECONDS", 2.0)
    store = ResultStore(tmp_path / "results")
    yield Runner(store)
    store.close()


@pytest.fixture
def secret(tmp_path: Path) -> Cluster:
    """A certificate of one's own, as the documentation makes it: whoever holds the key is in."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    made = ("-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=vitrine", *made],
        check=True,
        capture_output=True,
    )
    certificate = tmp_path / "cert.pem"
    return Cluster(
        dask_scheduler=f"tls://127.0.0.1:{free_port()}",
        dask_authority=certificate,
        dask_certificate=certificate,
        dask_key=tmp_path / "key.pem",
    )


def test_without_a_scheduler_requests_wait_and_say_why(runner: Runner) -> None:
    there = Pool(runner, f"tcp://127.0.0.1:{free_port()}")
    handle = there.submit(Tiny(name=fresh()))
    until(lambda: handle.snapshot().message.endswith(WORDS))
    assert handle.status == "queued" and there.slots == 1
    handle.cancel()
    ended(handle)
    there.close()
    assert handle.status == "cancelled"


def test_without_a_scheduler_requests_end_where_nobody_is_to_wait(runner: Runner) -> None:
    there = Pool(runner, f"tcp://127.0.0.1:{free_port()}", waits=False)
    handle = there.submit(Tiny(name=fresh()))
    ended(handle)
    there.close()
    assert isinstance(handle.error, Gone) and str(handle.error).endswith(WORDS)


@pytest.mark.slow
def test_who_has_no_key_stays_out_and_a_scheduler_that_comes_back_is_used_again(
    runner: Runner, secret: Cluster, tmp_path: Path, ledger: str
) -> None:
    address = secret.dask_scheduler
    files = {"tls-ca-file": secret.dask_authority, "tls-cert": secret.dask_certificate, "tls-key": secret.dask_key}
    options = [f"--{name}={path}" for name, path in files.items()]
    (tmp_path / "vitrine.toml").write_text(
        '[cluster]\ndask_authority = "cert.pem"\ndask_certificate = "cert.pem"\ndask_key = "key.pem"\n'
    )
    place = environment("cpu", 1) | {"VITRINE_CONFIG": str(tmp_path / "vitrine.toml")}
    port = address.rpartition(":")[2]
    command = ["distributed.cli.dask_scheduler", "--protocol", "tls", "--host", "127.0.0.1", "--port", port, *options]
    scheduler = started(*command, "--no-dashboard", "--no-show", environment=place)
    worker = started("engine.jobs.executors.dask_worker", address, "--processes", "1", environment=place)
    there = Pool(runner, address, security(secret))
    try:
        first = there.submit(Tiny(name=fresh(), ledger=ledger))
        ended(first)
        assert first.status == "done", first.error
        with pytest.raises((OSError, TypeError, ValueError)):
            distributed.Client(address, timeout=2, set_as_default=False)
        second = there.submit(Tiny(name=fresh(), ledger=ledger, steps=40, seconds=0.1))
        until(lambda: second.status == "running")
        stopped(scheduler)
        until(lambda: second.snapshot().message.endswith(WORDS))
        scheduler = started(*command, "--no-dashboard", "--no-show", environment=place)
        ended(second)
        assert second.status == "done", second.error
        assert len([what for what, _, _ in noted(ledger) if what == "begins"]) <= 3
    finally:
        there.close()
        stopped(worker)
        stopped(scheduler)


def test_the_three_files_of_tls_belong_together(tmp_path: Path) -> None:
    assert not security(Cluster(dask_scheduler="tcp://there:1")).require_encryption
    with pytest.raises(BadRequest, match="TLS needs dask_authority, dask_certificate and dask_key; this is no file"):
        security(Cluster(dask_scheduler="tls://there:1", dask_authority=tmp_path / "none.pem"))


def test_an_answer_that_is_cut_off_is_no_result() -> None:
    results, how = unpacked(b"")
    assert results == {} and how["status"] == "failed" and "cut off" in how["error"]


def test_a_result_that_the_worker_has_already_comes_with_its_answer(own_store: Path, ledger: str) -> None:
    desk, task = dask_worker.Desk(), Task.of(Tiny(name=fresh(), ledger=ledger))
    made, _ = unpacked(desk.compute(task.as_text()))
    found, how = unpacked(desk.compute(task.as_text()))
    assert how["status"] == "done" and [*found] == [how["place"]] and found == made
    assert len(noted(ledger)) == 2, "it was computed once"


@pytest.fixture
def idle(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """A pool of two workers whose thread does nothing: what becomes of what they say is for a test to say."""
    monkeypatch.setattr(Pool, "_tend", lambda self: None)
    there = Pool(runner, "tcp://127.0.0.1:1")
    there._ours = {"one": True, "two": True, "a stranger": False}
    yield there
    there.close()


def away(there: Pool, worker: str) -> Away:
    """What waits first is at this worker."""
    there._free = [worker]
    found = there._next()
    assert found is not None and found[1] == worker
    there._away[found[0].key] = Away(found[0], worker, SimpleNamespace(status="finished", cancel=lambda: None))
    found[0].begins(worker)
    return there._away[found[0].key]


def answers(there: Pool, worker: str, **how: str) -> None:
    """This worker has what waits first, and says how it ended."""
    answer = io.BytesIO()
    write_message(answer, {"ended": how})
    there._client = SimpleNamespace(sync=lambda *asked, **named: answer.getvalue(), close=lambda timeout: None)
    there._ended(away(there, worker))


def test_what_a_worker_calls_done_and_does_not_send_is_not_done(idle: Pool) -> None:
    handle = idle.submit(Tiny(name=fresh()))
    answers(idle, "one", status="done", place=f"{handle.key}.float32")
    assert handle.status == "failed" and "The worker one sent no result" in str(handle.error)


def test_what_one_worker_lacks_something_for_waits_for_another(idle: Pool) -> None:
    handle, next_one = idle.submit_all([Tiny(name=fresh()), Tiny(name=fresh())])
    answers(idle, "one", status="lacks", error="The worker one lacks something.")
    assert handle.status == "queued" and handle.snapshot().message == "The worker one lacks something."
    idle._free = ["one"]
    assert idle._next() == (next_one, "one"), "it is not asked again for the same"
    assert idle._next() is None
    answers(idle, "two", status="lacks", error="The worker two lacks something.")
    assert isinstance(handle.error, Lacks) and "two lacks" in str(handle.error), "nobody is left who may have it"


def test_what_waits_for_a_worker_that_is_gone_ends_with_what_the_others_lack(idle: Pool) -> None:
    handle = idle.submit(Tiny(name=fresh()))
    answers(idle, "one", status="lacks", error="The worker one lacks something.")
    del idle._ours["two"]
    answers(idle, "one", status="lacks", error="The worker one lacks something.")
    assert isinstance(handle.error, Lacks)


def test_a_scheduler_that_was_gone_is_not_a_worker_that_died(idle: Pool) -> None:
    handle = idle.submit(Tiny(name=fresh()))
    away(idle, "one")
    idle._lost(OSError("the connection is closed"))
    idle._ours = {"one": True, "two": True}
    idle._died(away(idle, "one"), "it is gone")
    assert handle.status == "queued" and "begins once more" in handle.snapshot().message
    idle._died(away(idle, "two"), "it is gone")
    assert "died twice" in str(handle.error)


def test_what_dask_does_not_take_waits_before_all_others(idle: Pool) -> None:
    first, second = idle.submit_all([Tiny(name=fresh()), Tiny(name=fresh())])
    idle._client = SimpleNamespace(close=lambda timeout: None)  # and no `submit`: it was closed a moment ago
    idle._free = ["one"]
    with pytest.raises(AttributeError) as refused:
        idle._hand_out()
    idle._lost(refused.value)
    idle._free = ["one"]
    assert idle._next() == (first, "one") and first.snapshot().message.endswith(WORDS)
    assert [*idle._waiting] == [second]


def test_what_is_handed_out_while_the_pool_closes_ends_too(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = Handle(Tiny(name=fresh()), "key", lambda: None)

    def hands_out(there: Pool) -> None:
        until(lambda: there._closing)
        time.sleep(0.1)
        there._away[handle.key] = Away(handle, "one", None)

    monkeypatch.setattr(Pool, "_tend", hands_out)
    Pool(runner, "tcp://127.0.0.1:1").close()
    assert handle.status == "cancelled"


def test_a_worker_gives_up_what_nobody_asks_about_and_goes_on_with_what_somebody_does(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_worker, "ORPHAN_SECONDS", 0.5)
    monkeypatch.setattr(dask_worker, "AGAIN_SECONDS", 0.2)
    desk, task = dask_worker.Desk(), Task.of(Tiny(name=fresh(), steps=100, seconds=0.03))
    assert unpacked(desk.compute(task.as_text()))[1]["status"] == "put back"
    with ThreadPoolExecutor(1) as worker:
        computing = worker.submit(desk.compute, task.as_text())
        until(lambda: apart(desk.answer())["at"] == [task.key])
        while not computing.done():
            apart(desk.answer("news", [task.key]))
            time.sleep(0.02)
    assert unpacked(computing.result())[1]["status"] == "done" and apart(desk.answer())["at"] == []


@pytest.mark.slow
def test_a_server_that_died_leaves_its_workers_to_others(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: str
) -> None:
    with dask(runner, tmp_path) as first:
        assert isinstance(first, Pool)
        first.submit_all([Tiny(name=fresh(), steps=250, seconds=1.0, ledger=ledger) for _ in range(2)])
        until(lambda: len(noted(ledger)) == 2)
        monkeypatch.setattr(first, "_ask", lambda *asked, **named: {})  # it tells nobody that it ends
        first.close()
        second = Pool(runner, first.address)
        handle = second.submit(Tiny(name=fresh()))
        ended(handle)
        second.close()
    assert (handle.status, handle.attempts) == ("done", 1), handle.error


@pytest.mark.slow
def test_a_worker_that_is_frozen_keeps_nothing_from_the_others(runner: Runner, tmp_path: Path, ledger: str) -> None:
    with dask(runner, tmp_path) as there:
        requests = [Tiny(name=fresh(), steps=1000, seconds=0.05, ledger=ledger) for _ in range(2)]
        frozen, other = there.submit_all(requests)
        until(lambda: all(handle.snapshot().step > 0 for handle in (frozen, other)))
        process = next(process for _, name, process in noted(ledger) if name == requests[0].name)
        os.kill(process, signal.SIGSTOP)
        try:
            seen = other.snapshot().step
            until(lambda: other.snapshot().step > seen + 60)
            other.cancel()
            ended(other)
            last = there.submit(Tiny(name=fresh()))
            ended(last)
        finally:
            os.kill(process, signal.SIGCONT)
    assert (other.status, last.status, frozen.attempts) == ("cancelled", "done", 1), last.error


def test_a_worker_that_cannot_be_started_now_is_started_later_and_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends: list[Callable[[], None]] = []
    asked: list[str] = []

    def scarce(command: Sequence[str], env: Mapping[str, str]) -> SimpleNamespace:
        asked.append(command[-1])
        if command[-1] == "a" and asked.count("a") < 3:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        if command[-1] == "a":  # all are there: it is told to end
            ends[0]()
        calls = ("poll", "terminate", "wait", "kill")
        return SimpleNamespace(**{name: lambda *_: None for name in calls})

    monkeypatch.setattr(dask_worker, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(signal, "signal", lambda number, act: ends.append(act))
    monkeypatch.setattr(subprocess, "Popen", scarce)
    assert dask_worker.supervise("tcp://there:1", {"a": {}, "b": {}}) == 0
    assert asked == ["a", "b", "a", "a"]
