"""Attention is known by its projections, whatever they are called; one more form is one more function."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from timm.models.gcvit import WindowAttentionGlobal
from torch import nn

from engine.sites import attention
from engine.sites.attention import held, is_attention, linear, projected, projection, whole

WIDTH = 6


def holding(**widths: int) -> nn.Module:
    """A module with linear layers of these names and widths."""
    module = nn.Module()
    for name, width in widths.items():
        module.add_module(name, nn.Linear(WIDTH, width))
    return module


def stacked(*layers: nn.Linear) -> torch.Tensor:
    return torch.cat([layer.weight for layer in layers])


@pytest.mark.parametrize(
    "widths",
    [
        {"qkv": 18},
        {"qk": 12, "v": 6},
        {"q": 6, "kv": 12},
        {"q": 6, "k": 6, "v": 6},
        {"q_proj": 6, "k_proj": 6, "v_proj": 6},
    ],
)
def test_the_three_parts_together_are_the_layers_in_order(widths: dict[str, int]) -> None:
    module = holding(**widths)
    parts = dict(projected(module))
    assert [*parts] == ["query", "key", "value"]
    assert torch.equal(torch.cat([rows.weight for rows in parts.values()]), stacked(*module.children()))
    entering = torch.randn(2, 3, WIDTH, generator=torch.Generator().manual_seed(0))
    given = torch.cat([rows.of(entering) for rows in parts.values()], 2)
    torch.testing.assert_close(given, torch.cat([layer(entering) for layer in module.children()], 2))
    for rows in parts.values():
        weight, at = held(rows)
        assert any(weight is layer.weight for layer in module.children()) and torch.equal(weight[at], rows.weight)


def test_torchs_own_attention_is_known_too() -> None:
    module = nn.MultiheadAttention(WIDTH, 2)
    assert torch.equal(torch.cat([rows.weight for _, rows in projected(module)]), module.in_proj_weight)
    assert all(held(rows)[0] is module.in_proj_weight for _, rows in projected(module))


@pytest.mark.parametrize(
    "widths", [{}, {"q": 6}, {"q": 6, "k": 6}, {"qk": 12}, {"kv": 12}, {"fc1": 6, "fc2": 6}, {"qkv": 16}]
)
def test_what_lacks_one_of_the_three_is_no_attention(widths: dict[str, int]) -> None:
    assert not is_attention(holding(**widths)) and [*projected(holding(**widths))] == []


def test_a_form_of_ones_own_is_asked_after_those_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "FORMS", [*attention.FORMS])
    module = holding(to_q=6, to_k=6, to_v=6)
    assert not is_attention(module)

    @projection
    def diffusers(part: nn.Module) -> list | None:
        layers = [linear(part, f"to_{name}") for name in "qkv"]
        return [whole(layer) for layer in layers if layer] if all(layers) else None

    projection(diffusers)  # registered again by a reload: still one
    assert attention.FORMS.count(diffusers) == 1
    assert [rows.module for _, rows in projected(module)] == [*module.children()]
    both = holding(qkv=18, to_q=6, to_k=6, to_v=6)
    assert {rows.module for _, rows in projected(both)} == {both.get_submodule("qkv")}


@pytest.mark.parametrize("name", ["tiny_vit_5m_224", "efficientformer_l1"])
def test_heads_that_hold_their_three_side_by_side_are_taken_apart_as_the_network_does(name: str) -> None:
    """Two routes: the attention's own answer, and softmax(q k + position bias) v from the rows that were found."""
    torch.manual_seed(0)
    network: Any = timm.create_model(name, num_classes=2)
    part = next(part for part in network.eval().requires_grad_(False).modules() if is_attention(part))
    nn.init.normal_(part.attention_biases)
    nn.init.normal_(part.qkv.weight, std=0.2)
    places = part.attention_bias_idxs.shape[0]
    entering = torch.randn(2, places, part.qkv.in_features, generator=torch.Generator().manual_seed(0))
    normed = part.norm(entering) if hasattr(part, "norm") else entering
    heads = [rows.of(normed).unflatten(2, (part.num_heads, -1)).transpose(1, 2) for _, rows in projected(part)]
    query, key, value = heads
    bias = part.attention_biases[:, part.attention_bias_idxs]
    mixed = (query @ key.transpose(2, 3) * part.scale + bias).softmax(3) @ value
    torch.testing.assert_close(part.proj(mixed.transpose(1, 2).flatten(2)), part(entering), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("width", [12, 16])
def test_a_projection_to_keys_and_values_alone_is_not_taken_for_all_three(width: int) -> None:
    """GCViT's global windows get their queries from elsewhere; 24 rows would fall into three parts, 32 would not."""
    assert not is_attention(WindowAttentionGlobal(width, 2, (2, 2)))
    whole = WindowAttentionGlobal(width, 2, (2, 2), use_global=False)
    assert [len(rows.weight) for _, rows in projected(whole)] == [width] * 3
