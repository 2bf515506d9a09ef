"""Maps smaller than a window, and attentions whose windows are hard to follow: every position at its own place, or no site."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import timm
import torch
from torch import nn

from engine.sites.access import discover, lost, read
from engine.sites.hooks import HookPoint, run

SAM = {"depth": 2, "embed_dim": 48, "num_heads": 2, "global_attn_indexes": (1,)}
TINY = {"depths": (1, 1, 2, 1)}
DAVIT = {"depths": (1, 1, 1, 1)}
CASES: list[tuple[str, dict[str, Any], int]] = [
    ("tiny_vit_5m_224", TINY, 128),
    ("tiny_vit_5m_224", TINY, 160),
    ("tiny_vit_5m_224", TINY, 256),
    ("davit_tiny", DAVIT, 128),
    ("davit_tiny", DAVIT, 192),
    ("samvit_base_patch16_224", SAM | {"img_size": 128}, 128),
]


def made(architecture: str, options: dict[str, Any]) -> nn.Module:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return timm.create_model(architecture, num_classes=3, **options).eval().requires_grad_(False)


@pytest.mark.parametrize(("architecture", "options", "side"), CASES)
def test_every_tensor_of_a_block_has_the_blocks_own_grid(architecture: str, options: dict[str, Any], side: int) -> None:
    model = made(architecture, options)
    sites = discover(model, (side, side))
    grids = {site.block: site.grid for site in sites.values() if site.role in ("residual", "mlp.out")}
    windowed = [site for site in sites.values() if site.role.startswith("attn.") and site.block in grids]
    roles = {site.role for site in windowed}
    assert lost(model, (side, side)) == "" and roles == {"attn.query", "attn.key", "attn.value", "attn.out"}
    assert {site.name: site.grid for site in windowed} == {site.name: grids[site.block] for site in windowed}


@pytest.mark.parametrize(("architecture", "options", "side"), CASES)
def test_positions_in_a_padded_window_are_those_of_the_map(
    architecture: str, options: dict[str, Any], side: int
) -> None:
    """A change at one place of what enters a block changes the values (which are made position by position, before any mixing)
    at that place alone."""
    model = made(architecture, options)
    sites = discover(model, (side, side))
    last = [site for site in sites.values() if site.role == "attn.value"][-1]
    block = model.get_submodule(_path(model, last.block))
    images = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    entering = run(model, [HookPoint("in", "", "", block, "input")], images, keep=lambda _, value: value)["in"]
    plain = read(model, [last.name], images)[last.name]
    assert plain.shape[1] == last.grid.positions
    row, column = 1, 2

    def change(_: nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        changed = args[0].clone()
        if entering.ndim == 4 and entering.shape[1] != last.grid.height:
            changed[:, :, row, column] += torch.linspace(-3, 3, changed.shape[1])
        else:
            changed.view(1, last.grid.height, last.grid.width, -1)[:, row, column] += torch.linspace(
                -3, 3, changed.shape[-1]
            )
        return changed, *args[1:]

    hook = block.register_forward_pre_hook(change)
    moved = (read(model, [last.name], images)[last.name] - plain).abs().sum(2)[0]
    hook.remove()
    assert int(moved.argmax()) == row * last.grid.width + column


def _path(model: nn.Module, block: str) -> str:
    """Of `stages.S.blocks.B` among the model's modules: the row of blocks in the last stage, the last block in it."""
    names = [name for name, part in model.named_modules() if type(part).__name__ in BLOCKS]
    return names[-1] if block.startswith("stages") else block


BLOCKS = ("TinyVitBlock", "SpatialBlock", "Block")


class Scrambled(nn.Module):
    """Attention over a padded window whose positions are mixed before they are projected: no place can be told."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.mix = nn.LayerNorm(8), nn.Linear(16, 49)
        self.attn = timm.layers.Attention(8, num_heads=2)
        self.mlp = timm.layers.Mlp(8, 16)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        window = self.mix(self.norm1(tokens).transpose(1, 2)).transpose(1, 2)
        tokens = tokens + self.attn(window)[:, : tokens.shape[1]]
        return tokens + self.mlp(tokens)


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 8, 8, 8)
        self.blocks = nn.Sequential(Scrambled(), Scrambled())
        self.head = nn.Linear(8, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(self.embed(images).flatten(2).transpose(1, 2)).mean(1))


def test_what_cannot_be_placed_is_no_site_and_is_named() -> None:
    torch.manual_seed(0)
    model = Network().eval()
    sites = discover(model, (32, 32))
    assert not [name for name in sites if ".attn." in name]
    assert (
        lost(model, (32, 32))
        == "blocks.0-1.attn.query, blocks.0-1.attn.key, blocks.0-1.attn.value, blocks.0-1.attn.out"
    )
