"""Two small networks in the catalog, and a toy experiment whose work can be counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core import config
from engine.jobs.scheduler import Jobs
from tests.conftest import compute_in, hand_out
from tests.engine.small import small_cnn, small_vit
from tests.engine.sweeps import toy
from tests.engine.sweeps.toy import LOG


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own_store: Path) -> None:
    """The catalog has small-vit (three blocks of 128 hidden units) and small-cnn (four stages)."""
    assert toy.ToyLayerRequest.experiment == "toy-layer", "it is known by being imported"
    hand_out(monkeypatch, {"small-vit": small_vit(), "small-cnn": small_cnn()})
    compute_in(monkeypatch, "float32")
    monkeypatch.setenv(LOG, str(tmp_path / "toy.log"))


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    opened = Jobs(config.store())
    yield opened
    opened.close()
