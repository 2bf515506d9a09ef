"""A notebook's world: a store of its own, a folder of small scenes, and a module of the person's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vitrine
from engine.models.sources import session
from engine.visualization import recipes
from tests.conftest import compute_in
from tests.engine.world import png, scene, write
from tests.vitrine.own import HALF, Colours


@pytest.fixture
def desk(tmp_path: Path, own_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the data set `squares`, 24 scenes of 32 x 32 pixels; recipe `fast` has few steps here."""
    compute_in(monkeypatch, "float32")
    monkeypatch.setattr(session, "_KEPT", {})
    quick = recipes.FAST.model_copy(update={"steps": 24, "finish": None})
    monkeypatch.setitem(recipes.RECIPES, "fast", quick)
    for number in range(24):
        write(tmp_path / "squares" / f"{number:02}.png", png(scene(number) + np.uint8(number)))
    return tmp_path


@pytest.fixture
def colours() -> Colours:
    return Colours()


@pytest.fixture
def pictures(desk, colours):
    """A result: the pictures of two units of a small model."""
    return vitrine.visualize(f"{vitrine.load(colours, HALF).name}@stages.0.blocks.0:0,2", data=desk / "squares")
