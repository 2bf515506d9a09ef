"""Attention looked at: its weights, whether they are all there is to it, and how they spread."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from engine.spatial import attention
from tests.engine.architectures import built
from tests.engine.spatial.known import vit


@pytest.mark.parametrize("qk_norm", [False, True])
def test_attention_weights_are_float32_under_autocast_too(qk_norm: bool) -> None:
    module: Any = vit(qk_norm=qk_norm).module
    part, tokens = module.blocks[1].attn, torch.randn(2, 17, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        projected = dict(zip(("query", "key", "value"), part.qkv(tokens).chunk(3, dim=2), strict=True))
        inside = attention.weights(part, projected)
    with torch.no_grad():
        outside = attention.weights(part, projected)
    assert projected["query"].dtype == torch.bfloat16 and inside.dtype == torch.float32
    assert torch.equal(inside, outside)


def test_the_weights_of_queries_and_of_fewer_reduced_keys_are_those_that_are_applied_to_the_values() -> None:
    """PVT v2, whose keys and values stand at fewer positions than its queries."""
    module, size = built("PVT v2")
    parts = attention.attentions(module)
    with attention.watched(parts) as seen:
        module(torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1)))
    assert [part for part, *_ in seen] == parts
    for part, projected, added in seen:
        weights = attention.weights(part, projected)
        assert weights.shape[-1] == projected["key"].shape[1] < weights.shape[-2] or part.sr is None
        value = projected["value"].unflatten(2, (part.num_heads, -1)).transpose(1, 2)
        torch.testing.assert_close(part.proj((weights @ value).transpose(1, 2).flatten(2)), added, atol=1e-5, rtol=1e-4)
        assert attention.explains(part, projected, added)


@pytest.mark.parametrize("heads", [1, 2])
def test_torchs_own_attention_is_explained_with_the_weights_that_it_gives_itself(heads: int) -> None:
    torch.manual_seed(0)
    part = nn.MultiheadAttention(16, heads, batch_first=True).eval().requires_grad_(False)
    tokens = torch.randn(2, 5, 16)
    with attention.watched([part]) as seen:
        _, own = part(tokens, tokens, tokens, average_attn_weights=False)
    ((_, projected, added),) = seen
    torch.testing.assert_close(attention.weights(part, projected), own)
    assert attention.explains(part, projected, added)


@pytest.mark.parametrize(
    "family", ["EVA", "BEiT", "CaiT", "XCiT", "ConViT", "Swin", "Swin v2", "Twins SVT", "CoaT", "MaxViT"]
)
def test_attention_that_is_more_than_query_and_key_is_not_explained_by_them(family: str) -> None:
    module, size = built(family)
    parts = attention.attentions(module)
    with attention.watched(parts) as seen:
        module(torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(1)))
    assert not all(attention.explains(part, projected, added) for part, projected, added in seen)


def test_entropy_and_distance_of_each_query_are_over_its_own_keys() -> None:
    weights = torch.tensor([[0.5, 0.5, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0]])
    entropy, distance = attention.spread(weights)
    np.testing.assert_allclose(entropy, [0.5, 1.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(distance, [0.5, 0.0, 0.75], atol=1e-6)
