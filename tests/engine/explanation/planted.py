"""A tiny world of colours with known answers: images of one colour and its fine pattern, and networks that see only one of
the two. Units of `colours` follow colours; an observer that sees colours must understand their pictures, and one that sees the
pattern cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.core.request import Request, Result
from engine.data.dataset import Dataset
from engine.models.loaded import LoadedModel
from engine.visualization import recipes
from tests.conftest import compute_in, hand_out
from tests.engine.contexts import Notebook
from tests.engine.small import wrapped

SIDE, IMAGES = 32, 120
BRIEF = recipes.FAST.model_copy(update={"name": "brief", "steps": 12, "jitter": 4, "finish": None})


class Colours(Dataset):
    """Images of one colour each, with a checkerboard of a strength of its own on top, and a spot so that places differ."""

    name = "colours"

    def _fingerprint(self) -> str:
        return "colours"

    def __len__(self) -> int:
        return IMAGES

    def image(self, index: int) -> np.ndarray:
        draws = np.random.default_rng(index)
        fine = (np.indices((SIDE, SIDE)).sum(0) % 2 * 2 - 1) * draws.uniform(0, 30)
        return (draws.uniform(60, 195, 3) + fine[..., None]).round().astype(np.uint8)

    def label(self, index: int) -> int | None:
        return None

    def describe(self, index: int) -> dict[str, Any]:
        return {"id": index}


class Sees(nn.Module):
    """Two stages of one block each. `colour`: its six units are how red, green and blue an image is, and the opposite of
    each; else how strong the checkerboard is, whatever its colour, in six random scalings."""

    def __init__(self, colour: bool) -> None:
        super().__init__()
        self.layer1, self.layer2 = _stage(_reader(colour)), _stage(_same())

    def forward(self, images: Tensor) -> Tensor:
        return self.layer2(self.layer1(images)).mean((2, 3))


def _stage(conv: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(nn.Sequential(conv, nn.ReLU()))


def _reader(colour: bool) -> nn.Conv2d:
    conv = nn.Conv2d(3, 6, 3, stride=2)
    weight = torch.zeros(6, 3, 3, 3)
    if colour:
        for unit in range(6):
            weight[unit, unit % 3] = (1 if unit < 3 else -1) / 9
    else:
        pattern = torch.tensor([[4.0, -5.0, 4.0], [-5.0, 4.0, -5.0], [4.0, -5.0, 4.0]]) / 40  # blind to flat colours
        weight[:] = pattern * torch.linspace(0.5, 1.5, 6).view(6, 1, 1, 1)
    conv.weight.data, conv.bias.data = weight, torch.full((6,), 1.0)
    return conv


def _same() -> nn.Conv2d:
    conv = nn.Conv2d(6, 6, 1)
    conv.weight.data, conv.bias.data = torch.eye(6)[..., None, None], torch.zeros(6)
    return conv


class Desk(Notebook):
    """Keeps every result, and computes those that experiments build on."""

    def compute(self, request: Request) -> Result:
        return self.find(request) or request.run(self)

    def keep(self, request: Request, result: Result, spare: bool = False) -> bool:
        self.kept[request.key()] = result
        return True


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> dict[str, LoadedModel]:
    """Models `colours`, `painter` (sees colours too) and `weaver` (sees the pattern alone); the recipe `brief`."""
    models = {name: wrapped(name, Sees(name != "weaver"), (SIDE, SIDE)) for name in ("colours", "painter", "weaver")}
    hand_out(monkeypatch, models)
    compute_in(monkeypatch, "float32")
    for module in (
        "explanation.explains",
        "explanation.paths",
        "explanation.natural",
        "evaluation.index",
        "visualization.single",
    ):
        monkeypatch.setattr(f"engine.{module}.open_dataset", lambda name: Colours())
    monkeypatch.setitem(recipes.RECIPES, "brief", BRIEF)
    return models
