"""A model that reads words, for the page "Concepts"."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core import config
from tests.conftest import forget_settings
from tests.engine.clips import settle
from tests.engine.concepts.made import READER


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_store: Path) -> Iterator[str]:
    """A small CLIP of random weights as `local/clip`, and the data set `squares`: 40 scenes of 32 x 32 pixels."""
    home = tmp_path / "home"
    settle(home)
    monkeypatch.setenv("VITRINE_CONFIG", str(home / "vitrine.toml"))
    forget_settings(config)
    yield READER
