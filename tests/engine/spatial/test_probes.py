"""Heads, isolation and uniform attention agree with the plain way: one pass for each, through timm's own functions."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from engine.models.loaded import LoadedModel
from engine.spatial.last import evaluations_of
from engine.spatial.probes import Probes
from tests.engine.spatial.known import CLASSES, vit


class Recorded(Probes):
    """Keeps the logits themselves, so that they can be compared."""

    def __init__(self, model: LoadedModel) -> None:
        super().__init__(model)
        self.logits: dict[str, torch.Tensor] = {}
        add, single = self.answers.add, self.positions.add
        self.answers.add = lambda name, logits, labels: (self.logits.update({name: logits}), add(name, logits, labels))[
            1
        ]
        self.positions.add = lambda logits, labels: (self.logits.update(each=logits), single(logits, labels))[1]


def plain(model: LoadedModel, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """The paper's protocol, word by word: one pass for each L, through timm's own functions."""
    module: Any = model.module
    prefix = module.num_prefix_tokens
    tokens = module.norm_pre(module.patch_drop(module._pos_embed(module.patch_embed(images))))
    found = {}

    def through(blocks: Any, values: torch.Tensor) -> torch.Tensor:
        for block in blocks:
            values = block(values)
        return values

    for count in range(len(module.blocks) + 1):
        apart = [through(module.blocks[:count], part) for part in (tokens[:, :prefix], tokens[:, prefix:])]
        joined = through(module.blocks[count:], torch.cat(apart, dim=1))
        found[f"isolation {count}"] = module.forward_head(module.norm(joined))
        alone = through(module.blocks[count:], through(module.blocks[:count], tokens)[:, :prefix])
        found[f"cls_only {count}"] = module.forward_head(module.norm(alone))
    final = module.norm(through(module.blocks, tokens))
    heads = [module.head, module.head_dist] if prefix == 2 else [module.head]

    def answer(vectors: torch.Tensor) -> torch.Tensor:
        return torch.stack([head(module.fc_norm(vectors)) for head in heads]).mean(dim=0)

    found["natural"] = found["cls"] = module(images)
    found["patch_mean"], found["all_mean"] = answer(final[:, prefix:].mean(dim=1)), answer(final.mean(dim=1))
    found["each"] = torch.stack([answer(final[:, place]) for place in range(prefix, final.shape[1])], dim=1)
    return found


def compared(model: LoadedModel, count: int) -> Recorded:
    images = torch.randn(count, 3, *model.input_size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        probes = Recorded(model)
        probes.add(images, torch.arange(count) % CLASSES)
        for name, logits in plain(model, images).items():
            torch.testing.assert_close(
                probes.logits[name], logits, atol=1e-4, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}"
            )
    return probes


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"])
def test_every_condition_agrees_with_the_plain_way(name: str) -> None:
    """The second has two prefix tokens and two heads."""
    probes = compared(vit(name), 3)
    assert probes.reads_prefix and not probes.missing


@pytest.mark.slow
def test_the_papers_dimensions_agree_with_the_plain_way() -> None:
    model = vit("vit_base_patch16_224", img_size=384, patch_size=16, depth=12, embed_dim=768, num_heads=12)
    assert model.sites["blocks.11.residual"].grid.positions == 577
    probes = compared(model, 1)
    assert probes.stack is not None and evaluations_of(probes.stack)["patches alone"] == 11


def test_one_stream_of_patches_serves_every_isolation() -> None:
    probes = compared(vit(depth=5), 2)
    assert probes.stack is not None
    counted = evaluations_of(probes.stack)
    assert counted["patches alone"] == 4 and counted["patches alone, one pass for each L"] == 10
