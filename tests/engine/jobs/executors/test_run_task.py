"""A job of a cluster: what is finished stays finished, whatever becomes of the job."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path

import pytest

from cache.blob import Blob
from engine.core.request import Context, Result
from engine.jobs.executors import run_task
from engine.jobs.executors.run_folder import RunFolder, names
from engine.jobs.executors.run_task import ClusterTask, FolderStore, work
from engine.jobs.executors.wire import Task, checked
from tests.engine.jobs.executors.tiny import Tiny, noted


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "runs", "debug")


def store_of(run: RunFolder, *keys: str) -> FolderStore:
    own = run.path / "tasks" / run.add_task([])
    return FolderStore(run, own / "results", [], set(keys))


def test_each_request_is_carried_out_and_one_that_fails_stops_none(run: RunFolder) -> None:
    requests = [Tiny(name="abc"), Tiny(name="b", act="fails"), Tiny(name="c", act="refuses"), Tiny(name="d")]
    task = run.add_task([Task.of(each) for each in requests])
    assert "in the folder" in ClusterTask(str(run.path), task)()
    parts = [run.parts()[each.key()] for each in requests]
    assert [part.status for part in parts] == ["done", "failed", "failed", "done"]
    assert parts[2].error == "Unit 900 is out of range." and "secret" not in parts[1].error
    data = run.result(parts[0], parts[0].place)
    assert data is not None and checked(parts[0].place, data).arrays["x"].tolist() == [97, 98, 99]


def test_a_job_that_was_stopped_goes_on_where_it_was(
    run: RunFolder, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [Tiny(name=name, ledger=ledger) for name in "abc"]
    task = run.add_task([Task.of(each) for each in requests])
    real = Tiny.run

    def preempted(self: Tiny, context: Context) -> Result:
        if self.name == "b" and noted(ledger)[-1][1] == "a":
            self.note("begins")
            raise KeyboardInterrupt
        return real(self, context)

    monkeypatch.setattr(Tiny, "run", preempted)
    with pytest.raises(KeyboardInterrupt):
        work(run, task)
    assert [run.parts()[each.key()].status for each in requests] == ["done", "running", "queued"]
    work(run, task)
    assert {part.status for part in run.parts().values()} == {"done"}
    assert [name for what, name, _ in noted(ledger) if what == "ends"] == ["a", "b", "c"]
    assert run.parts()[requests[1].key()].begun == 2


def test_what_is_not_wanted_any_more_is_not_begun(run: RunFolder, ledger: str) -> None:
    task = run.add_task([Task.of(Tiny(name="a", ledger=ledger))])
    run.cancel([*run.parts()])
    work(run, task)
    assert {part.status for part in run.parts().values()} == {"cancelled"} and noted(ledger) == []


def test_what_another_job_made_along_the_way_is_found(run: RunFolder) -> None:
    first, second = store_of(run, "main"), store_of(run, "other")
    first.put("spare.float32", Blob(facts={"n": 1}))
    assert second.get("spare.float32") is None, "that is its own"
    with first.lease("index.float32"):
        first.put("index.float32", Blob(facts={"n": 2}))
    with first.lease("main.float32"):
        first.put("main.float32", Blob(facts={"n": 3}))
    there = second.get("index.float32")
    assert there is not None and there.facts == {"n": 2}, "several parts build on it"
    assert names(run.path / "shared") == ["index.float32.blob"]


def test_a_damaged_file_counts_as_missing(run: RunFolder) -> None:
    store = store_of(run)
    store.put("a.float32", Blob(facts={"n": 1}))
    (run.path / "tasks" / "0000" / "results" / "a.float32.blob").write_bytes(b"VITRBLOB half")
    assert store.get("a.float32") is None and store.get("../../run.json") is None
    with pytest.raises(ValueError, match="not a key"):
        store.put_bytes("../x", b"")


def test_one_job_computes_what_several_need_and_a_dead_ones_lease_is_free(run: RunFolder) -> None:
    first, second = store_of(run), store_of(run)
    lease = run.path / "leases" / "index"
    with first.lease("index") as mine:
        assert mine and lease.exists()
        lease.write_text(json.dumps([platform.node(), os.getppid()]))  # one that lives
        with second.lease("index") as theirs:
            assert not theirs
    assert not lease.exists()
    lease.write_text(json.dumps([platform.node(), 2**22 + 1]))  # no such process
    with second.lease("index") as theirs:
        assert theirs


@pytest.mark.parametrize(
    "holder",
    [
        pytest.param(json.dumps(["another-machine", 1]), id="another machine"),
        pytest.param(json.dumps([platform.node(), os.getppid()]), id="a number that another process has by now"),
        pytest.param("", id="one that died before it wrote its name"),
    ],
)
def test_a_lease_is_free_when_its_holder_was_not_heard_of_for_long(run: RunFolder, holder: str) -> None:
    store, lease = store_of(run), run.path / "leases" / "index"
    lease.write_text(holder)
    with store.lease("index") as mine:
        assert not mine
    past = time.time() - 2 * run_task.STALE_SECONDS
    os.utime(lease, (past, past))
    with store.lease("index") as mine:
        assert mine


def test_a_job_that_is_told_to_stop_is_the_same_again_and_nothing_is_in_its_way(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    from submitit.core import job_environment

    class Environment:
        class paths:
            submitted_pickle = tmp_path / "7_submitted.pkl"

        _usr_sig = staticmethod(lambda: signal.SIGUSR2)

    monkeypatch.setattr(job_environment, "JobEnvironment", Environment)
    left_over = tmp_path / "7_submitted.pkl.save_tmp"
    left_over.write_bytes(b"an answer that was interrupted")
    before = signal.getsignal(signal.SIGUSR2)
    try:
        again = ClusterTask(str(run.path), "0000", 60.0).checkpoint()
        assert signal.getsignal(signal.SIGUSR2) == signal.SIG_IGN, "a second signal does not interrupt the answer"
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert not left_over.exists()
    assert (again.function.run, again.function.task, again.function.part_seconds) == (str(run.path), "0000", 60.0)
