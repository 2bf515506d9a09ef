"""Jobs at the end of a process, and beside another one: nothing is lost, nothing is computed twice."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cache.store import ResultStore
from engine.core.errors import Unavailable
from engine.jobs.keys import stored_key
from engine.jobs.scheduler import Jobs
from tests.engine.jobs.playing import ROOT, SECONDS, Play, Stage, full, until

# Ends and other processes


def test_closing_stops_what_runs_and_names_it_as_interrupted_next_time(store: ResultStore, stage: Stage) -> None:
    jobs = Jobs(store)
    stage.gate("a")
    running, waiting = jobs.submit(Play(name="a")), jobs.submit(Play(name="b"))
    stage.wait_for("a")
    jobs.close()
    assert [jobs.snapshot(job).status for job in (running, waiting)] == ["cancelled", "cancelled"]
    with pytest.raises(Unavailable, match="shutting down"):
        jobs.submit(Play(name="c"))
    store.close()
    restarted_store = ResultStore(store.folder)
    restarted = Jobs(restarted_store)
    assert [facts["name"] for facts in restarted.interrupted().values()] == ["a", "b"]
    stage.gate("a").set()
    restarted.wait(restarted.submit(Play(name="a")), SECONDS)
    assert [facts["name"] for facts in restarted.interrupted().values()] == ["b"]
    restarted.forget_interrupted()
    assert restarted.interrupted() == {}
    restarted.close()
    restarted_store.close()


def test_draining_lets_the_running_job_end_and_begins_none_of_those_that_wait(store: ResultStore, stage: Stage) -> None:
    jobs = Jobs(store)
    stage.gate("a")
    running, waiting = jobs.submit(Play(name="a")), jobs.submit(Play(name="b"))
    stage.wait_for("a")
    assert not jobs.draining and not jobs.drain(0.01), "it is still running"
    with pytest.raises(Unavailable, match="shutting down"):
        jobs.submit(Play(name="c"))
    assert jobs.draining and jobs.snapshot(running).status == "running"
    stage.gate("a").set()
    assert jobs.drain(SECONDS)
    assert [jobs.snapshot(job).status for job in (running, waiting)] == ["done", "queued"]
    assert jobs.submit(Play(name="a")).id == running.id, "what is stored is still given"
    jobs.close()
    store.close()
    restarted_store = ResultStore(store.folder)
    restarted = Jobs(restarted_store)
    assert [facts["name"] for facts in restarted.interrupted().values()] == ["b"]
    restarted.close()
    restarted_store.close()


def test_what_ended_by_itself_is_not_listed_as_interrupted(store: ResultStore) -> None:
    jobs = Jobs(store)
    for act in ("", "bug"):
        jobs.wait(jobs.submit(Play(name="a", act=act)), SECONDS)
    jobs.close()
    store.close()
    restarted_store = ResultStore(store.folder)
    restarted = Jobs(restarted_store)
    assert restarted.interrupted() == {}
    assert len(list((store.folder / "processes").iterdir())) == 1  # the mark of the restarted process
    restarted.close()
    restarted_store.close()


CHILD = """
import os, sys, time
from typing import ClassVar
from cache.store import ResultStore
from engine.core.request import Progress, Request, Result
from engine.jobs.scheduler import Jobs

class Play(Request):
    experiment: ClassVar[str] = "play"
    version: ClassVar[int] = 1
    name: str
    steps: int = 1
    needs: str | None = None
    act: str = ""
    def fingerprints(self): return {}
    def run(self, context):
        while not os.path.exists(sys.argv[2]):
            context.report(Progress(0, 1))
            time.sleep(0.01)
        return Result({"name": "from the child"})

jobs = Jobs(ResultStore(sys.argv[1]))
job = jobs.submit(Play(name="a"))
jobs.submit(Play(name="b"))
while jobs.snapshot(job).status != "running":
    time.sleep(0.01)
print("running", flush=True)  # both are written down by now
jobs.wait(job)
"""


def start_child(folder: Path, until: Path) -> subprocess.Popen[str]:
    """A process with two jobs, the first of which runs until a file is there."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), str(until)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert child.stdout is not None and child.stdout.readline() == "running\n"
    return child


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a thing of POSIX systems")
def test_jobs_of_a_killed_process_are_named_as_interrupted_and_can_be_run_at_once(tmp_path: Path, stage: Stage) -> None:
    child = start_child(tmp_path / "results", tmp_path / "never")
    store = ResultStore(tmp_path / "results")
    early = Jobs(store)
    assert early.interrupted() == {}  # the child lives
    early.close()
    child.kill()
    child.wait()
    jobs = Jobs(store)
    assert [facts["name"] for facts in jobs.interrupted().values()] == ["a", "b"]
    assert jobs.wait(jobs.submit(Play(name="a")), SECONDS).status == "done" and stage.ran == ["a"]
    assert [facts["name"] for facts in jobs.interrupted().values()] == ["b"]
    jobs.close()
    store.close()


def test_two_processes_that_want_the_same_result_compute_it_once(
    jobs: Jobs, store: ResultStore, stage: Stage, tmp_path: Path
) -> None:
    child = start_child(store.folder, tmp_path / "now")
    job = jobs.submit(Play(name="a"))
    until(lambda: "Another Vitrine process" in jobs.snapshot(job).message)
    (tmp_path / "now").touch()
    snapshot = jobs.wait(job, SECONDS)
    result = jobs.result(job.id)
    assert snapshot.status == "done" and stage.ran == []
    assert result is not None and result.request == {"name": "from the child"}
    child.kill()
    child.wait()


def test_waiting_for_another_process_can_be_cancelled(jobs: Jobs, store: ResultStore) -> None:
    other = ResultStore(store.folder)
    with other.lease(stored_key(Play(name="a").key())):
        job = jobs.submit(Play(name="a"))
        until(lambda: "Another Vitrine process" in jobs.snapshot(job).message)
        jobs.cancel(job)
        assert jobs.wait(job, SECONDS).status == "cancelled"
    other.close()


LEAVES = """
import json, time, torch
from typing import ClassVar
from engine.core.request import Request, Result
from engine.jobs.scheduler import jobs

class Play(Request):
    experiment: ClassVar[str] = "play"
    version: ClassVar[int] = 1
    def fingerprints(self): return {}
    def run(self, context):
        print("running", flush=True)
        end = time.monotonic() + 4
        while time.monotonic() < end:
            torch.ones(400, 400) @ torch.ones(400, 400)
        %s
        return Result(json.loads(self.canonical()))

print(jobs().submit(Play()).id)
time.sleep(1)
"""


def leave(folder: Path, last: str) -> tuple[str, ResultStore]:
    """A process that ends in the middle of a step of four seconds, which does `last` after it. (key, its store)."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "VITRINE_CACHE": str(folder)}
    ended = subprocess.run([sys.executable, "-c", LEAVES % last], capture_output=True, text=True, env=environment)
    assert ended.returncode == 0, ended.stderr
    assert "running" in ended.stdout
    return ended.stdout.replace("running", "").strip(), ResultStore(folder / "results")


@pytest.mark.slow
def test_a_process_that_ends_in_the_middle_of_a_long_step_ends_in_order(tmp_path: Path) -> None:
    key, store = leave(tmp_path, "context.report(None)")
    jobs = Jobs(store)
    assert not store.has(stored_key(key)) and len(jobs._journal.interrupted()) == 1
    jobs.close()
    store.close()


@pytest.mark.slow
def test_what_is_finished_while_the_process_ends_is_stored(tmp_path: Path) -> None:
    key, store = leave(tmp_path, "")
    assert store.get(stored_key(key)) is not None
    store.close()


def test_a_result_that_could_only_be_kept_in_memory_is_named_as_interrupted_next_time(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(store)
    with monkeypatch.context() as broken:
        broken.setattr(store, "put", full)
        assert jobs.wait(jobs.submit(Play(name="a")), SECONDS).status == "done"
        jobs.close()
    store.close()
    restarted_store = ResultStore(store.folder)
    restarted = Jobs(restarted_store)
    assert [facts["name"] for facts in restarted.interrupted().values()] == ["a"]
    restarted.close()
    restarted_store.close()


def test_interrupted_requests_outlive_a_disk_on_which_the_list_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = start_child(tmp_path / "results", tmp_path / "never")
    child.kill()
    child.wait()

    def unwritable(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    named = []
    for broken in (True, False):
        store = ResultStore(tmp_path / "results")
        with monkeypatch.context() as disk:
            if broken:
                disk.setattr("engine.jobs.journal.os.replace", unwritable)
            jobs = Jobs(store)
            named.append([facts["name"] for facts in jobs.interrupted().values()])
            jobs.close()
        store.close()
    assert named == [["a", "b"], ["a", "b"]]
