"""The last block for the class token alone: the same answer and gradient, and nothing left out that somebody reads."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from engine.sites.access import discover, read
from engine.sites.attention_kernel import WrittenAttention
from engine.sites.grid import Grid
from engine.sites.last_block import answer, first_tokens, last_block

SMALL: dict[str, Any] = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 3, "num_heads": 4, "num_classes": 7}
LOGITS = "head.logits"


def vit(name: str = "vit_tiny_patch16_224", **kwargs: Any) -> Any:
    """A small timm ViT with random weights whose class token tells images apart."""
    torch.manual_seed(0)
    module = timm.create_model(name, **{**SMALL, **kwargs}).eval().requires_grad_(False)
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, std=0.3)
    return module


def images() -> Tensor:
    return torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kwargs", [{}, {"qk_norm": True, "init_values": 0.5}, {"reg_tokens": 4}, {"qkv_bias": False}])
def test_logits_and_their_gradient_are_those_of_the_whole_network(kwargs: dict[str, Any]) -> None:
    module = vit(**kwargs)
    assert last_block(module, (32, 32)) is not None
    answers, slopes = [], []
    for ask in (lambda pixels: module(pixels), lambda pixels: read(module, [LOGITS], pixels)[LOGITS][:, 0]):
        pixels = images().requires_grad_()
        answers.append(ask(pixels))
        slopes.append(torch.autograd.grad(answers[-1][:, 3].sum(), pixels)[0])
    torch.testing.assert_close(answers[1], answers[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(answer(module, images()), answers[1])
    torch.testing.assert_close(slopes[1], slopes[0], rtol=1e-4, atol=1e-5 * float(slopes[0].abs().max()))


def test_the_last_block_is_not_run_for_logits_and_is_where_one_of_its_sites_is_read() -> None:
    module, runs = vit(), []
    module.blocks[-1].register_forward_hook(lambda *_: runs.append(1))
    read(module, [LOGITS], images())  # the first time it is compared with the whole network
    runs.clear()
    both = read(module, ["blocks.1.residual", LOGITS], images())
    assert not runs and both["blocks.1.residual"].shape == (2, 17, 32)
    whole = read(module, ["blocks.2.mlp.hidden", LOGITS], images())
    assert runs and whole["blocks.2.mlp.hidden"].shape == (2, 17, 128)
    torch.testing.assert_close(whole[LOGITS], both[LOGITS])


def test_what_enters_the_last_block_can_be_read_with_the_logits() -> None:
    module = vit(depth=1)
    values = read(module, ["tokens.embed", LOGITS], images())
    assert values["tokens.embed"].shape == (2, 17, 32)
    torch.testing.assert_close(values[LOGITS][:, 0], module(images()))


@pytest.mark.parametrize("kwargs", [{"global_pool": "avg"}, {"global_pool": "map"}, {"global_pool": "avgmax"}])
def test_a_network_whose_head_reads_the_patches_is_run_in_full(kwargs: dict[str, Any]) -> None:
    module = vit(**kwargs)
    assert last_block(module, (32, 32)) is None
    torch.testing.assert_close(read(module, [LOGITS], images())[LOGITS][:, 0], module(images()))


def test_a_network_that_answers_otherwise_than_its_parts_do_is_run_in_full() -> None:
    class Odd(timm.models.vision_transformer.VisionTransformer):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    torch.manual_seed(0)
    module = Odd(**SMALL).eval()
    nn.init.normal_(module.head.weight)  # type: ignore[arg-type]
    assert last_block(module, (32, 32)) is None


def test_one_answer_that_agrees_by_chance_is_not_enough() -> None:
    class Partly(timm.models.vision_transformer.VisionTransformer):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * torch.tensor([1.0, *[2.0] * 6])

    torch.manual_seed(0)
    module = Partly(**SMALL).eval()
    nn.init.normal_(module.head.weight)  # type: ignore[arg-type]
    assert last_block(module, (32, 32)) is None
    torch.testing.assert_close(answer(module, images()), module(images()))


def test_the_two_answering_tokens_of_a_distilled_network_are_both_kept() -> None:
    module = vit("deit_tiny_distilled_patch16_224")
    assert discover(module, (32, 32))["blocks.0.residual"].grid == Grid(4, 4, 2)
    last = last_block(module, (32, 32))
    assert last is not None and last.prefix == 2
    torch.testing.assert_close(read(module, [LOGITS], images())[LOGITS][:, 0], module(images()))


def test_written_out_attention_is_cut_short_in_the_same_way() -> None:
    module = vit()
    whole = module(images())
    for block in module.blocks:
        block.attn = WrittenAttention(block.attn)
    assert last_block(module, (32, 32)) is not None
    torch.testing.assert_close(read(module, [LOGITS], images())[LOGITS][:, 0], whole, rtol=1e-4, atol=1e-4)


def test_the_first_tokens_alone_are_what_the_whole_block_gives() -> None:
    block = vit(qk_norm=True, init_values=0.5).blocks[0]
    tokens = torch.randn(2, 17, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(first_tokens(block, tokens, 2), block(tokens)[:, :2], atol=1e-5, rtol=1e-5)


def test_what_is_known_of_a_network_does_not_keep_it_alive() -> None:
    module = vit()
    answer(module, images())
    gone = weakref.ref(module)
    del module
    gc.collect()
    assert gone() is None
