"""A fresh stage, store and queue for every test of the jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cache.store import ResultStore
from engine.jobs.scheduler import Jobs
from tests.engine.jobs.playing import STAGE, Stage


@pytest.fixture(autouse=True)
def stage() -> Iterator[Stage]:
    STAGE.__init__()
    yield STAGE
    for gate in STAGE.gates.values():
        gate.set()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ResultStore]:
    opened = ResultStore(tmp_path / "results")
    yield opened
    opened.close()


@pytest.fixture
def jobs(store: ResultStore) -> Iterator[Jobs]:
    opened = Jobs(store)
    yield opened
    opened.close()
