"""A run's folder says how it stands, to whoever looks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.core.errors import BadRequest
from engine.core.request import Progress
from engine.jobs.executors.run_folder import RunFolder, names, write_whole
from engine.jobs.executors.wire import Task, as_bytes
from tests.engine.jobs.executors.tiny import Tiny

A, B = Task.of(Tiny(name="a")), Task.of(Tiny(name="b"))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "runs", "local")


def ends(run: RunFolder, task: str, of: Task, **facts: str) -> None:
    write_whole(run.path / "tasks" / task / "ended" / f"{of.key}.json", json.dumps(facts).encode())


def begins(run: RunFolder, task: str, of: Task, where: str = "node1 7") -> None:
    with open(run.path / "tasks" / task / "began" / of.key, "a") as file:
        file.write(f"{where}\n")


def test_a_part_waits_until_a_worker_says_that_it_began_and_ends_as_that_says(run: RunFolder) -> None:
    task = run.add_task([A, B])
    assert {part.status for part in run.parts().values()} == {"queued"}
    begins(run, task, A)
    assert (run.parts()[A.key].status, run.parts()[A.key].where, run.parts()[B.key].status) == (
        "running",
        "node1 7",
        "queued",
    )
    ends(run, task, A, status="done", place=f"{A.key}.float32")
    ends(run, task, B, status="lacks", error="The worker on node1 lacks something.")
    parts = run.parts()
    assert (parts[A.key].status, parts[A.key].place) == ("done", f"{A.key}.float32")
    assert (parts[B.key].status, parts[B.key].kind) == ("failed", "lacks") and "lacks something" in parts[B.key].error


def test_of_a_part_that_was_sent_again_the_last_job_counts_unless_one_has_done_it(run: RunFolder) -> None:
    first = run.add_task([A, B])
    begins(run, first, A)
    ends(run, first, A, status="failed", error="no")
    ends(run, first, B, status="done", place=f"{B.key}.float32")
    again = run.add_task([A, B])
    begins(run, again, A, "node2 8")
    part = run.parts()[A.key]
    assert (part.status, part.job, part.tried, part.begun, part.where) == ("running", again, 2, 2, "node2 8")
    assert run.parts()[B.key].status == "done"


def test_a_job_that_was_at_another_part_says_nothing_of_those_that_waited_in_it(run: RunFolder) -> None:
    for tried in (1, 2):
        begins(run, run.add_task([A, B]), A)
        assert (run.parts()[A.key].tried, run.parts()[B.key].tried) == (tried, 0)
    run.add_task([B])
    assert run.parts()[B.key].tried == 1, "what ends before it begins anything may end so each time"


def test_what_is_cancelled_counts_as_that_unless_it_runs_or_has_ended(run: RunFolder) -> None:
    task = run.add_task([A, B])
    run.cancel([A.key, B.key])
    assert run.is_cancelled(A.key) and {part.status for part in run.parts().values()} == {"cancelled"}
    begins(run, task, A)
    ends(run, task, B, status="done", place="x")
    assert [run.parts()[key].status for key in (A.key, B.key)] == ["running", "done"]


def test_another_process_finds_everything_in_the_folder(run: RunFolder, tmp_path: Path) -> None:
    task = run.add_task([A])
    run.note_job(task, "123_0")
    begins(run, task, A)
    write_whole(run.path / "tasks" / task / "now" / A.key, as_bytes(Progress(1, 2)))
    (found,) = RunFolder.all_in(tmp_path / "runs")
    assert (found.cluster, found.job_of(task)) == ("local", "123_0") and found.parts() == run.parts()
    assert found.news(found.parts()[A.key]) is not None
    assert RunFolder.named(tmp_path / "runs", run.path.name).path == run.path
    with pytest.raises(BadRequest, match="no run of that name"):
        RunFolder.named(tmp_path / "runs", "../elsewhere")


@pytest.mark.parametrize("text", [b"", b"[1]", b"{}", b'["{}"]', b"not JSON"])
def test_a_damaged_list_of_parts_is_an_empty_one(run: RunFolder, text: bytes) -> None:
    task = run.add_task([A])
    write_whole(run.path / "tasks" / task / "parts.json", text)
    assert run.parts() == {}


def test_how_a_part_ended_is_not_known_while_its_file_is_damaged(run: RunFolder) -> None:
    task = run.add_task([A])
    begins(run, task, A)
    write_whole(run.path / "tasks" / task / "ended" / f"{A.key}.json", b"{")
    assert run.parts()[A.key].status == "running"


def test_a_file_that_is_being_written_is_not_seen_and_none_names_a_place(run: RunFolder) -> None:
    task = run.add_task([A])
    results = run.path / "tasks" / task / "results"
    (results / ".half.blob.1234").write_bytes(b"half")
    (results / "not a place!.blob").write_bytes(b"x")
    write_whole(results / "good.float32.blob", b"x")
    assert names(results) == ["good.float32.blob", "not a place!.blob"]
    assert [place for place, _ in run.results()] == ["good.float32"]


def test_only_its_owner_may_look_into_a_run(run: RunFolder) -> None:
    assert run.path.stat().st_mode & 0o077 == 0 and run.path.parent.stat().st_mode & 0o077 == 0
