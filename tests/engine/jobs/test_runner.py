"""Carrying a request out: what it builds on is computed once, and a result that cannot be stored is kept all the same."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from cache.blob import Blob
from cache.store import ResultStore, StoreUnavailable
from engine.core.request import Result
from engine.jobs import runner
from engine.jobs.keys import request_key, stored_key
from engine.jobs.runner import Runner
from engine.jobs.scheduler import Jobs
from tests.engine.jobs.playing import SECONDS, Play, Stage, full, until


def test_a_result_that_cannot_be_stored_stays_in_memory_with_a_warning_and_is_stored_later(
    jobs: Jobs, store: ResultStore, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(store, "put", full)
        job = jobs.submit(Play(name="a"))
        snapshot = jobs.wait(job, SECONDS)
        assert snapshot.status == "done" and snapshot.error is None
        assert snapshot.warning is not None and "kept in memory only, because the disk is full" in snapshot.warning
        kept = jobs.result(job.id)
        assert kept is not None and kept.arrays["x"].tolist() == [1, 1, 1] and store.get(stored_key(job.id)) is None
        assert jobs.snapshot(jobs.submit(Play(name="a"))).warning == snapshot.warning and stage.ran == ["a"]
    jobs.wait(jobs.submit(Play(name="b")), SECONDS)
    assert store.get(stored_key(job.id)) is not None and jobs.snapshot(job).warning is None


@pytest.fixture
def refused(store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """It keeps in memory what an executor brought while the disk was full."""
    runner = Runner(store)
    with monkeypatch.context() as broken:
        broken.setattr(store, "put_bytes", full)
        runner.take_in("a.float32", Blob(facts={"request": {}, "facts": {}}).to_bytes())
    assert store.get("a.float32") is None and runner.warning("a.float32") is not None
    return runner


def test_what_an_executor_brought_is_stored_once_the_store_takes_what_it_brings_next(
    store: ResultStore, refused: Runner
) -> None:
    refused.take_in("b.float32", Blob(facts={"request": {}, "facts": {}}).to_bytes())
    assert store.stored() == {"a.float32", "b.float32"} and refused.warning("a.float32") is None


def test_what_the_store_refused_is_stored_though_nothing_else_is_computed_or_brought(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where processes of their own store what they compute, or nobody asks for anything."""
    monkeypatch.setattr(runner, "AGAIN_SECONDS", 0.02)
    refusals: list[str] = []

    def full_at_first(key: str, *_: object) -> None:
        refusals.append(key)
        full() if len(refusals) < 4 else None

    with monkeypatch.context() as broken:
        broken.setattr(store, "put", full_at_first)
        there = Runner(store)
        assert not there.keep(Play(name="a"), Result({}))
        until(lambda: there.warning(Play(name="a").key()) is None)
    assert len(refusals) == 4, "and not again after that"


def test_what_no_store_could_hold_is_not_tried_again(store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    put = store.put
    monkeypatch.setattr(store, "put", lambda key, blob: (tried.append(key), put(key, blob)))
    there, request = Runner(store), Play(name="a")
    assert not there.keep(request, Result({}, {"x": np.array(["text"])}))
    there.put_kept()
    assert len(tried) == 1 and there.warning(request.key()) is not None


def test_what_the_store_refused_is_stored_at_the_end(store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Jobs(store)
    with monkeypatch.context() as broken:
        broken.setattr(store, "put", full)
        job = jobs.submit(Play(name="a"))
        assert jobs.wait(job, SECONDS).warning is not None
    jobs.close()
    assert store.stored() == {stored_key(job.id)}


def test_a_spare_result_that_cannot_be_stored_takes_no_place_from_others(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(store)
    monkeypatch.setattr(store, "put", full)
    assert not runner.keep(Play(name="spare"), Result({}), spare=True) and runner.find(Play(name="spare").key()) is None
    assert not runner.keep(Play(name="whole"), Result({})) and runner.find(Play(name="whole").key()) is not None


def test_a_result_that_no_store_could_hold_is_not_lost_either(jobs: Jobs) -> None:
    job = jobs.submit(Play(name="a", act="unstorable"))
    snapshot = jobs.wait(job, SECONDS)
    assert snapshot.status == "done" and snapshot.warning is not None and "cannot be stored" in snapshot.warning
    assert jobs.result(job.id) is not None


def test_jobs_work_without_any_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    jobs = Jobs(ResultStore(tmp_path / "file" / "results"))
    job = jobs.submit(Play(name="a"))
    assert jobs.wait(job, SECONDS).status == "done" and jobs.result(job.id) is not None
    assert jobs.snapshot(job).warning is not None and jobs.interrupted() == {}
    jobs.close()


def test_the_result_is_stored_before_the_job_says_done(
    jobs: Jobs, store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    put = store.put

    def slow_put(key: str, blob) -> None:
        time.sleep(0.1)
        seen.append(jobs.snapshot(request_key(key)).status)
        put(key, blob)

    monkeypatch.setattr(store, "put", slow_put)
    job = jobs.submit(Play(name="a"))
    assert jobs.wait(job, SECONDS).status == "done" and seen == ["running"] and store.has(stored_key(job.id))


def test_a_damaged_result_is_computed_again(jobs: Jobs, store: ResultStore, stage: Stage) -> None:
    job = jobs.submit(Play(name="a"))
    jobs.wait(job, SECONDS)
    store.put_bytes(stored_key(job.id), b"not a blob")
    assert jobs.wait(jobs.submit(Play(name="a")), SECONDS).status == "done"
    assert stage.ran == ["a", "a"] and jobs.result(job.id) is not None


def test_a_nested_request_is_computed_once_and_stored_under_its_own_key(
    jobs: Jobs, store: ResultStore, stage: Stage
) -> None:
    job = jobs.submit(Play(name="a", needs="base"))
    assert jobs.wait(job, SECONDS).status == "done"
    outcome = jobs.result(job.id)
    assert (
        outcome is not None
        and outcome.arrays["x"].tolist() == [4, 4, 4]
        and store.has(stored_key(Play(name="base").key()))
    )
    jobs.wait(jobs.submit(Play(name="b", needs="base")), SECONDS)
    assert stage.ran == ["a", "base", "b"]


def test_one_look_at_the_store_says_that_a_result_is_not_there(
    store: ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(store._shelf, "read", lambda key: asked.append(key))
    assert Runner(store).find(Play(name="nobody asked for it").key()) is None
    assert asked == []


def test_a_store_that_cannot_be_asked_is_read_all_the_same(store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> None:
    runner, request = Runner(store), Play(name="a")
    assert runner.keep(request, Result({}))

    def broken(keys: object) -> None:
        raise StoreUnavailable("locked")

    monkeypatch.setattr(store._shelf, "sizes", broken)
    assert runner.find(request.key()) is not None
