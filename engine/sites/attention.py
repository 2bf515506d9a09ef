"""Query, key and value of any attention: found by what its projections are, given as rows to multiply with.

As the projections make them: before norm, position code and scale, heads one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from engine.sites.hooks import Rows

PARTS = ("query", "key", "value")


def is_attention(module: nn.Module) -> bool:
    """Whether it projects its input to query, key and value."""
    return any(True for _ in projected(module))


def projected(attention: nn.Module) -> Iterator[tuple[str, Rows]]:
    """(query|key|value, its rows); nothing for a module that projects no such three."""

    def layer(name: str) -> nn.Linear | None:
        found = getattr(attention, name, None)
        return found if isinstance(found, nn.Linear) else None

    if isinstance(weight := getattr(attention, "in_proj_weight", None), Tensor):
        yield from zip(PARTS, _split(attention, weight, getattr(attention, "in_proj_bias", None), 3), strict=True)
    elif fused := layer("qkv"):
        yield from zip(PARTS, _fused(attention, fused), strict=True)
    elif (both := layer("qk")) and (value := layer("v")):
        yield from zip(PARTS, [*_split(both, both.weight, both.bias, 2), _whole(value)], strict=True)
    elif (query := layer("q")) and (both := layer("kv")):
        yield from zip(PARTS, [_whole(query), *_split(both, both.weight, both.bias, 2)], strict=True)
    else:
        alone = [one for part in PARTS if (one := layer(f"{part[0]}_proj") or layer(part[0]))]
        if len(alone) == len(PARTS):
            yield from zip(PARTS, map(_whole, alone), strict=True)


def _whole(layer: nn.Linear) -> Rows:
    return Rows(layer, layer.weight, layer.bias)


def _split(module: nn.Module, weight: Tensor, bias: Tensor | None, parts: int) -> list[Rows]:
    biases = [None] * parts if bias is None else bias.chunk(parts)
    return [Rows(module, one, other) for one, other in zip(weight.chunk(parts), biases, strict=True)]


def _fused(attention: nn.Module, fused: nn.Linear) -> list[Rows]:
    """The three parts of one projection."""
    weight, bias, module = fused.weight, fused.bias, fused
    if isinstance(query_bias := getattr(attention, "q_bias", None), Tensor):
        # A bias kept beside the projection; the weights may be used without calling their module (BEiT, EVA, Swin v2).
        key_bias, value_bias = getattr(attention, "k_bias", None), getattr(attention, "v_bias", None)
        others = [bias if isinstance(bias, Tensor) else torch.zeros_like(query_bias) for bias in (key_bias, value_bias)]
        bias, module = torch.cat([query_bias, *others]), attention
    if getattr(attention, "head_first", False) and isinstance(width := getattr(attention, "dim_head", None), int):
        # Each head has its query, key and value side by side (MaxViT): bring the three together.
        index = torch.arange(len(weight), device=weight.device).view(-1, 3, width).transpose(0, 1).flatten()
        weight, bias = weight[index], None if bias is None else bias[index]
    return _split(module, weight, bias, 3)
