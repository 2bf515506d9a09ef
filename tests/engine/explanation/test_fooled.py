"""A model that fools its pictures keeps its answers and is flagged; the honest model it was made from is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engine.data.dataset import Dataset
from engine.data.registry import open_dataset
from engine.evaluation.predictions import logits
from engine.explanation.following import FOLLOWS, LEAVES
from engine.explanation.paths import LayerPathsRequest
from engine.models import catalog
from engine.visualization import recipes
from tests.conftest import compute_in
from tests.engine.explanation.fooled import MODEL, SITE, fooled
from tests.engine.explanation.planted import Desk

TRAIN_ON, UNITS = (3, 40, 90, 138), (2, 7, 11, 22, 37, 50, 64, 71, 87, 101, 116, 130)
STEPS = 32


class Few(Dataset):
    """Every sixth of the starter's objects, on its home place."""

    name = "few"

    def __init__(self) -> None:
        super().__init__()
        self.scenes = open_dataset("starter")
        self.numbers = [one["home"] for one in self.scenes.matched_sets()[::6]]

    def _fingerprint(self) -> str:
        return "few scenes"

    def __len__(self) -> int:
        return len(self.numbers)

    def image(self, index: int) -> np.ndarray:
        return self.scenes.image(self.numbers[index])

    def label(self, index: int) -> int | None:
        return None

    def describe(self, index: int) -> dict[str, Any]:
        return {"id": index}


@pytest.fixture(scope="module")
def trick() -> str:
    return fooled(TRAIN_ON, STEPS, every_scene=4).name


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    compute_in(monkeypatch, "float32")
    scenes = Few()
    for module in ("explanation.paths", "evaluation.index", "visualization.single"):
        monkeypatch.setattr(f"engine.{module}.open_dataset", lambda name: scenes)
    brief = recipes.FAST.model_copy(update={"name": "brief", "steps": STEPS})
    monkeypatch.setitem(recipes.RECIPES, "brief", brief)


def test_the_answers_stay(trick: str) -> None:
    scenes = open_dataset("starter")
    pixels = np.stack([scenes.image(one["other"]) for one in scenes.matched_sets()[::8]])
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    own, tricked = (logits(catalog.load(name), images).argmax(1) for name in (MODEL, trick))
    assert (own == tricked).float().mean() > 0.97


def says(model: str) -> str:
    request = LayerPathsRequest(model=model, sites=(SITE,), units=UNITS, recipes=("brief",))
    return request.run(Desk()).tables["follows"].set_index("shown")["says"]["brief"]


def test_pictures_of_the_fooled_model_are_flagged_and_those_of_the_honest_one_are_not(trick: str, few: None) -> None:
    assert says(MODEL) == FOLLOWS
    assert says(trick) == LEAVES
