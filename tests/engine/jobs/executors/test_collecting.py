"""Collecting: what a run has made is taken in, once, and only what is what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cache import within
from cache.blob import Blob
from cache.store import ResultStore
from cache.within import Member
from engine.jobs.executors.collecting import collect, left, take_part
from engine.jobs.executors.run_folder import RunFolder, write_whole
from engine.jobs.executors.run_task import work
from engine.jobs.executors.wire import Task
from engine.jobs.runner import Runner
from tests.engine.jobs.executors.tiny import Tiny
from tests.engine.jobs.playing import full

REQUESTS = [Tiny(name="a"), Tiny(name="b"), Tiny(name="c", act="refuses")]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run that is over; nobody was there to see it."""
    made = RunFolder.create(tmp_path / "runs", "debug")
    work(made, made.add_task([Task.of(each) for each in REQUESTS]))
    return made


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    store = ResultStore(tmp_path / "results")
    yield Runner(store)
    store.close()


def test_what_was_made_is_taken_in_once_and_what_failed_is_named(run: RunFolder, runner: Runner) -> None:
    found = collect(run, runner)
    assert (found.taken, found.counts, found.complete) == (2, {"done": 2, "failed": 1}, True)
    assert found.failed == {REQUESTS[2].key(): "Unit 900 is out of range."}
    there = runner.find(REQUESTS[0].key())
    assert there is not None and there.facts["name"] == "a"
    assert collect(RunFolder(run.path), runner).taken == 0
    assert [part.key for part in left(run)] == [REQUESTS[2].key()]


def test_what_could_not_be_stored_is_taken_in_once_it_can_be(
    run: RunFolder, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by another process: in the memory of the first one it is lost."""
    part = run.parts()[REQUESTS[0].key()]
    with monkeypatch.context() as broken:
        broken.setattr(runner.store, "put_bytes", full)
        found = collect(run, runner)
        assert found.taken == 0 and "could not be stored" in found.refused[part.place]
        assert take_part(run, runner, part) and runner.find(part.key) is not None, "whoever waits for it has it"
    another = Runner(runner.store)
    assert collect(run, another).taken == 2 and another.find(part.key) is not None
    assert collect(run, another).taken == 0


class Holds:
    """The result of `a` holds the one that belongs in this place."""

    def __init__(self, place: str) -> None:
        self.place = place

    def members(self, facts: Mapping[str, Any]) -> Mapping[str, Member]:
        return {self.place: Member("b", True)} if facts["request"]["name"] == "a" else {}

    def cut(self, pieces: object, how: str) -> Blob:
        return Blob()


def test_what_stands_inside_a_result_that_is_there_is_not_stored_beside_it(
    run: RunFolder, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, piece = (run.parts()[each.key()] for each in REQUESTS[:2])
    monkeypatch.setattr(within, "_KNOWS", [Holds(piece.place)])
    store = runner.store
    assert isinstance(store, ResultStore) and take_part(run, runner, whole)
    assert collect(run, runner).taken == 0 and store.stored() == {whole.place} and store.has(piece.place)
    store.delete(whole.place)
    assert collect(run, runner).taken == 0, "what was let go since is not brought back"


def test_a_file_that_comes_late_or_in_pieces_is_taken_the_next_time(run: RunFolder, runner: Runner) -> None:
    part = run.parts()[REQUESTS[0].key()]
    file = run.path / "tasks" / part.job / "results" / f"{part.place}.blob"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    found = collect(run, runner)
    assert found.taken == 1 and "damaged" in found.refused[part.place]
    file.unlink()
    assert not take_part(run, runner, part)
    file.write_bytes(whole)
    assert take_part(run, runner, part) and runner.find(part.key) is not None
    assert take_part(run, runner, part)


def test_a_result_of_other_weights_is_not_taken_under_the_key(run: RunFolder, runner: Runner) -> None:
    part = run.parts()[REQUESTS[0].key()]
    forged = Blob(
        facts={"request": json.loads(part.task.request), "facts": {"precision": "float32", "fingerprints": {"w": "x"}}}
    )
    write_whole(run.path / "tasks" / part.job / "results" / f"{part.place}.blob", forged.to_bytes())
    found = collect(run, runner)
    assert found.taken == 1 and "other weights" in found.refused[part.place] and runner.find(part.key) is None


def test_what_is_to_be_sent_again_may_be_said(run: RunFolder) -> None:
    keys = [each.key() for each in REQUESTS]
    assert left(run, keys[:2]) == [], "they are done"
    assert [part.key for part in left(run, keys)] == keys[2:]
