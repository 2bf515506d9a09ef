"""Heads, isolation and uniform attention agree with the plain way: one pass for each, through timm's own functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from engine.models.loaded import LoadedModel
from engine.spatial import attention, probes
from engine.spatial.blocks import UnsupportedArchitecture
from engine.spatial.last import evaluations_of, measure, result_of
from engine.spatial.probes import Probes
from engine.spatial.uniform import Averaging
from tests.engine.architectures import built
from tests.engine.small import wrapped
from tests.engine.spatial.known import CLASSES, Squares, over, vit


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
    logits = {}

    def through(blocks: Any, values: torch.Tensor) -> torch.Tensor:
        for block in blocks:
            values = block(values)
        return values

    for count in range(len(module.blocks) + 1):
        apart = [through(module.blocks[:count], part) for part in (tokens[:, :prefix], tokens[:, prefix:])]
        joined = through(module.blocks[count:], torch.cat(apart, dim=1))
        logits[f"isolation {count}"] = module.forward_head(module.norm(joined))
        alone = through(module.blocks[count:], through(module.blocks[:count], tokens)[:, :prefix])
        logits[f"cls_only {count}"] = module.forward_head(module.norm(alone))
    final = module.norm(through(module.blocks, tokens))
    heads = [module.head, module.head_dist] if prefix == 2 else [module.head]

    def answer(vectors: torch.Tensor) -> torch.Tensor:
        return torch.stack([head(module.fc_norm(vectors)) for head in heads]).mean(dim=0)

    logits["natural"] = logits["cls"] = module(images)
    logits["patch_mean"], logits["all_mean"] = answer(final[:, prefix:].mean(dim=1)), answer(final.mean(dim=1))
    logits["each"] = torch.stack([answer(final[:, place]) for place in range(prefix, final.shape[1])], dim=1)
    return logits


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


def seen(model: Any, count: int = 3) -> tuple[Probes, torch.Tensor]:
    images = torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        looked = Probes(model)
        looked.add(images, torch.arange(count) % CLASSES)
    return looked, images


def plain_weights(model: Any, images: torch.Tensor, block: int) -> np.ndarray:
    """Softmax of query and key of a block, (image, head, query, key), by timm's own layers."""
    module = model.module
    with torch.no_grad():
        tokens = module._pos_embed(module.patch_embed(images))
        for before in module.blocks[:block]:
            tokens = before(tokens)
        part = module.blocks[block].attn
        projected = part.qkv(module.blocks[block].norm1(tokens)).unflatten(2, (3, part.num_heads, part.head_dim))
        query, key, _ = projected.permute(2, 0, 3, 1, 4)
        return ((query @ key.transpose(2, 3)) * part.scale).softmax(dim=3).double().numpy()


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"])
def test_entropies_of_patches_and_of_the_prefix_are_those_of_the_attention_weights(name: str) -> None:
    model = vit(name)
    looked, images = seen(model)
    table = result_of(looked, np.arange(3), CLASSES).tables["attention"].set_index(["block", "head"])
    prefix = model.module.num_prefix_tokens
    for block in range(3):
        weights = plain_weights(model, images, block)
        entropy = -(weights * np.log(weights)).sum(axis=3) / np.log(weights.shape[3])
        distance = 0.5 * np.abs(weights - 1 / weights.shape[3]).sum(axis=3)
        for head in range(2):
            row = table.loc[(block, head)]
            assert row.entropy == pytest.approx(entropy[:, head, prefix:].mean(), abs=1e-4)
            assert row.distance == pytest.approx(distance[:, head, prefix:].mean(), abs=1e-4)
            assert row.cls_entropy == pytest.approx(entropy[:, head, :prefix].mean(), abs=1e-4)
            assert row.cls_entropy_low <= row.cls_entropy <= row.cls_entropy_high
            assert row.n == 3


def test_attention_is_looked_at_on_the_first_images_only(monkeypatch) -> None:
    monkeypatch.setattr(probes, "WATCHED", 8)
    model = vit()
    with torch.no_grad():
        looked = Probes(model)
        for _ in range(4):
            looked.add(torch.randn(4, 3, 32, 32), torch.arange(4))
    result = result_of(looked, np.arange(16), CLASSES)
    assert result.facts["watched"] == 8 and (result.tables["attention"].n == 8).all()
    assert (result.tables["accuracy"].query("experiment != 'heads'").n == 16).all()


def test_an_attention_that_cannot_be_made_uniform_is_told_and_the_other_rows_are_there(monkeypatch) -> None:
    model = vit()
    refused, of = model.module.blocks[1].attn, Averaging.of  # type: ignore[index]

    def picky(part: Any, *args: Any, **kwargs: Any) -> Averaging:
        if part is refused:
            raise UnsupportedArchitecture("This attention asks for no values.")
        return of(part, *args, **kwargs)

    monkeypatch.setattr(Averaging, "of", picky)
    result = measure(over(model, Squares()))
    rows = result.tables["accuracy"].query("experiment == 'uniform'").name.tolist()
    assert rows == ["uniform 0", "uniform 2", "uniform 2 0", "uniform 2 1"]
    assert result.facts["missing"] == [
        "vit_tiny_patch16_224, 1 of 3 attention layers: This attention asks for no values."
    ]


def test_heads_that_cannot_be_taken_one_by_one_are_told_and_the_whole_blocks_are_there() -> None:
    def shared(module: Any) -> None:
        module.blocks[2].attn.num_kv_heads = 1

    result = measure(over(vit(change=shared), Squares()))
    rows = result.tables["accuracy"].query("experiment == 'uniform'").name.tolist()
    assert rows == ["uniform 0", "uniform 1", "uniform 2"]
    assert len(result.facts["missing"]) == 1 and "heads share their values" in result.facts["missing"][0]


def test_a_head_that_pools_by_attention_is_no_block() -> None:
    module, size = built("SigLIP")
    probes = Probes(wrapped("siglip", module, size))
    assert probes.stack is not None and [*probes.averagings] == [block.attn for block in module.blocks]  # type: ignore[union-attr]


def test_blocks_without_attention_of_their_own_are_not_taken_apart() -> None:
    def without_last(module: Any) -> None:
        module.blocks[2] = torch.nn.Identity()

    probes = Probes(vit(change=without_last))
    assert probes.stack is None and "do not have one attention each" in next(iter(probes.missing))


def test_single_heads_are_made_uniform_in_the_last_block_alone() -> None:
    table = measure(over(vit(), Squares())).tables["accuracy"].query("experiment == 'uniform'")
    assert table.index.size == 3 + 2
    assert table["head"].dropna().tolist() == [0, 1] and (table[table["head"].notna()]["index"] == 2).all()


def test_attention_that_holds_more_than_query_and_key_is_not_shown_and_that_is_said(monkeypatch) -> None:
    monkeypatch.setattr(attention, "explains", lambda part, projected, added: False)
    result = measure(over(vit(), Squares()))
    assert not len(result.tables["attention"]) and "depend on more than queries and keys" in result.facts["missing"][0]
