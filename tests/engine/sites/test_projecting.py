"""Queries, keys and values are seen and changed in whichever way a network uses its weights."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import Tensor, nn

from engine.sites.attention import PARTS, is_attention, projected
from engine.sites.projecting import Projecting
from tests.engine.architectures import TRANSFORMERS, built


def noise(size: tuple[int, int]) -> Tensor:
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("family", TRANSFORMERS)
def test_every_attention_of_every_architecture_shows_its_three_and_seeing_changes_nothing(family: str) -> None:
    module, size = built(family)
    parts = [part for part in module.modules() if is_attention(part)]
    widths: dict[tuple[nn.Module, str], int] = {}
    with Projecting(parts, lambda part, name, tensor: widths.update({(part, name): tensor.shape[-1]})):
        answer = module(noise(size))
    assert widths == {(part, name): len(rows.weight) for part in parts for name, rows in projected(part)}
    assert torch.equal(answer, module(noise(size)))


def test_what_is_seen_is_what_the_rows_give_head_by_head_where_heads_stand_side_by_side() -> None:
    module, size = built("MaxViT")
    part = next(part for part in module.modules() if is_attention(part))
    seen, entered = dict[str, Tensor](), list[Tensor]()
    handle = part.register_forward_pre_hook(lambda _, args: entered.append(args[0]))
    with Projecting([part], lambda _, name, tensor: seen.update({name: tensor})):
        module(noise(size))
    handle.remove()
    for name, rows in projected(part):
        torch.testing.assert_close(seen[name], rows.of(entered[0]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["beit_base_patch16_224", "vit_tiny_patch16_224"])
def test_what_is_returned_takes_the_place_of_one_part_and_leaves_the_others(name: str) -> None:
    """BEiT multiplies with the weights of its layer and never calls it."""
    torch.manual_seed(0)
    part = timm.create_model(name, depth=1, embed_dim=8, num_heads=2, img_size=32).blocks[0].attn.eval()
    tokens, ones = torch.randn(1, 5, 8), torch.ones(1, 5, 8)
    kept: dict[str, Tensor] = {}

    def edit(_: nn.Module, name: str, tensor: Tensor) -> Tensor | None:
        kept[name] = tensor
        return ones if name == "value" else None

    with Projecting([part], edit):
        given = part(tokens)
    torch.testing.assert_close(given, part.proj(ones))  # the mean of ones
    assert {*kept} == {*PARTS} and not any(torch.equal(kept[part], ones) for part in PARTS), "what was seen is kept"


@pytest.mark.parametrize("bias", [True, False])
def test_torchs_own_attention_goes_on_with_what_it_is_given(bias: bool) -> None:
    torch.manual_seed(0)
    part = nn.MultiheadAttention(8, 2, bias=bias, batch_first=True).eval()
    tokens = torch.randn(3, 5, 8)
    with Projecting([part], lambda _, name, tensor: tensor + 0):
        same = part(tokens, tokens, tokens)
    torch.testing.assert_close(same, part(tokens, tokens, tokens))
    shapes: list[tuple[int, ...]] = []

    def doubled(_: nn.Module, name: str, tensor: Tensor) -> Tensor | None:
        shapes.append(tuple(tensor.shape))
        return 2 * tensor if name == "value" else None

    with Projecting([part], doubled):
        twice = part(tokens, tokens, tokens)[0]
    torch.testing.assert_close(
        twice - same[0], same[0] - nn.functional.linear(torch.zeros(8), *part.out_proj.parameters())
    )
    assert shapes == [(3, 5, 8)] * 3


def test_other_attentions_and_layers_are_left_alone() -> None:
    torch.manual_seed(0)
    seen, left = (nn.MultiheadAttention(8, 2, batch_first=True).eval() for _ in range(2))
    tokens = torch.randn(1, 5, 8)
    natural = left(tokens, tokens, tokens)[0]
    with Projecting([seen, seen], lambda _, name, tensor: torch.zeros_like(tensor)):
        torch.testing.assert_close(left(tokens, tokens, tokens)[0], natural)
        torch.testing.assert_close(seen(tokens, tokens, tokens)[0], seen.out_proj.bias.expand(1, 5, 8))
