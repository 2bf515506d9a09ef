"""A person's folder, with everything in it found as the app finds it: by the settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core import config
from tests.conftest import compute_in, forget_settings
from tests.engine.clips import settle


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_store: Path) -> Iterator[Path]:
    """A person's folder: models.toml with `local/clip`, and the data set `squares`, 40 scenes of 32 x 32 pixels."""
    home = tmp_path / "home"
    settle(home)
    monkeypatch.setenv("VITRINE_CONFIG", str(home / "vitrine.toml"))
    compute_in(monkeypatch, "float32")
    forget_settings(config)
    yield home
