"""Convolutional networks: stages and blocks in the same words, whatever their modules are called."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn

from engine.sites.access import discover, read
from engine.sites.grid import Grid, to_maps
from tests.engine.sites.families import SIZE, make


def test_cnn_sites_speak_the_same_words_whatever_the_modules_are_called():
    resnet = discover(make("resnet"), SIZE)
    blocks = [f"stages.{stage}.blocks.{block}" for stage, count in enumerate((2, 1, 3, 1)) for block in range(count)]
    assert list(resnet) == ["stem", *blocks, "head.logits"]
    assert resnet["stages.2.blocks.2"].grid == Grid(4, 6)
    assert resnet["stages.2.blocks.2"].units == 24
    convnext = discover(make("convnext"), SIZE)
    assert list(convnext)[1:3] == ["stages.0.blocks.0.mlp.hidden", "stages.0.blocks.0"]
    assert convnext["stages.0.blocks.0.mlp.hidden"].units == 32
    assert convnext["stages.0.blocks.0.mlp.hidden"].grid == Grid(16, 24)
    efficientnet = discover(make("efficientnet"), SIZE)
    assert "stages.1.blocks.0.mlp.hidden" in efficientnet
    assert "stages.0.blocks.0.mlp.hidden" not in efficientnet, "the first block has no expansion"


def test_a_stage_that_adds_something_after_its_blocks_is_a_site_of_its_own():
    cross_stage = timm.create_model("cspresnet50").eval()
    sites = discover(cross_stage, (32, 32))
    assert sites["stages.0"].role == "stage"
    images = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    both = read(cross_stage, ["stages.0", "stages.0.blocks.2"], images)
    assert not torch.equal(both["stages.0"], both["stages.0.blocks.2"])


class Plain(nn.Module):
    """A person's own network: two convolutions in a row, and a classifier that is called anything."""

    def __init__(self, shared: nn.Module | None = None) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1)
        self.shared = shared
        self.verdict = nn.Linear(6, 2)

    def forward(self, images):
        act = self.shared or torch.relu
        return self.verdict(act(self.second(act(self.first(images)))).mean((2, 3)))


@pytest.mark.parametrize("shared", [None, nn.ReLU()], ids=["a function", "one module for both"])
def test_a_plain_networks_convolutions_are_sites_where_none_has_an_activation_of_its_own(shared):
    model = Plain(shared).eval()
    assert {name: site.units for name, site in discover(model, SIZE).items()} == {
        "stages.0.blocks.0": 4,
        "stages.0.blocks.1": 6,
        "head.logits": 2,
    }
    images = torch.rand(2, 3, *SIZE)
    seen = read(model, ["stages.0.blocks.0"], images)["stages.0.blocks.0"]
    torch.testing.assert_close(to_maps(seen, Grid(*SIZE)), model.first(images))
