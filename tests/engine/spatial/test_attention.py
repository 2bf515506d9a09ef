"""Attention taken apart: weights, uniform attention, windows."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch

from engine.spatial import attention
from tests.engine.spatial.known import vit


def test_uniform_attention_is_the_mean_of_the_values_head_by_head() -> None:
    module: Any = vit().module
    part, tokens = module.blocks[1].attn, torch.randn(2, 17, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        value = part.qkv(tokens)[..., 64:].unflatten(2, (2, 16))
        with attention.uniform(part):
            everywhere = part(tokens)
        torch.testing.assert_close(everywhere, part.proj(value.mean(1, keepdim=True).expand_as(value).flatten(2)))
        with attention.uniform(part, [1]):
            one = part(tokens)
        query, key = (each.unflatten(2, (2, 16)).transpose(1, 2) for each in part.qkv(tokens).chunk(3, dim=2)[:2])
        weights = (query @ key.transpose(2, 3) / 4).softmax(dim=3)
        weights[:, 1] = 1 / 17
        expected = part.proj((weights @ value.transpose(1, 2)).transpose(1, 2).flatten(2))
        torch.testing.assert_close(one, expected, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(part(tokens), vit().module.blocks[1].attn(tokens))  # type: ignore[index]


@pytest.mark.parametrize("qk_norm", [False, True])
def test_attention_weights_are_float32_under_autocast_too(qk_norm: bool) -> None:
    module: Any = vit(qk_norm=qk_norm).module
    part, tokens = module.blocks[1].attn, torch.randn(2, 17, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        projected = part.qkv(tokens)
        inside = attention.weights(part, projected)
    with torch.no_grad():
        outside = attention.weights(part, projected)
    assert projected.dtype == torch.bfloat16 and inside.dtype == torch.float32
    assert torch.equal(inside, outside)


def test_windows_attend_to_their_own_mean_and_position_biases_do_not_matter() -> None:
    torch.manual_seed(0)
    swin: Any = timm.create_model(
        "swin_tiny_patch4_window7_224", img_size=56, window_size=7, embed_dim=16, depths=(1, 1)
    )
    part = attention.attentions(swin.eval())[0]
    torch.nn.init.normal_(part.relative_position_bias_table, std=3.0)
    windows = torch.randn(4, 49, 16)
    with torch.no_grad(), attention.uniform(part):
        out = part(windows)
    assert float((out - out[:, :1]).abs().max()) < 1e-5 and float((out[0] - out[1]).abs().max()) > 1e-4
