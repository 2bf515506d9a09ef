"""Query, key and value of any attention: found by what its projections are, given as rows to multiply with.

As the projections make them: before norm, position code and scale, heads one after the other. Each form in which networks
hold their projections is one function under `@projection`; whoever brings an attention of another form adds one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.sites.hooks import Rows

PARTS = ("query", "key", "value")
Form = Callable[[nn.Module], list[Rows] | None]
FORMS: list[Form] = []
"""Those that are known, in the order in which they are asked."""


@dataclass(frozen=True, kw_only=True)
class Share(Rows):
    """Rows that are some of a larger weight: `held` is the weight as the network holds it, these are its rows `at`."""

    held: Tensor
    at: Tensor | slice


def projection(form: Form) -> Form:
    """Decorator of a function that gives the rows of query, key and value of a module whose projections have its form, and
    None for any other. It is asked after those that are known already."""
    if form not in FORMS:
        FORMS.append(form)
    return form


def is_attention(module: nn.Module) -> bool:
    """Whether it projects its input to query, key and value."""
    return any(True for _ in projected(module))


def projected(attention: nn.Module) -> Iterator[tuple[str, Rows]]:
    """(query|key|value, its rows); nothing for a module that projects no such three."""
    rows = next((rows for form in FORMS if (rows := form(attention)) is not None), None)
    if rows is not None:
        yield from zip(PARTS, rows, strict=True)


def held(rows: Rows) -> tuple[Tensor, Tensor | slice]:
    """(the weight as the network holds it, which of its rows these are)."""
    return (rows.held, rows.at) if isinstance(rows, Share) else (rows.weight, slice(None))


def linear(attention: nn.Module, name: str) -> nn.Linear | None:
    """A module's part of this name, where that is a linear layer."""
    part = getattr(attention, name, None)
    return part if isinstance(part, nn.Linear) else None


def whole(layer: nn.Linear) -> Rows:
    """All rows of a layer that makes one of the three."""
    return Rows(layer, layer.weight, layer.bias)


@projection
def _torchs_own(attention: nn.Module) -> list[Rows] | None:
    weight = getattr(attention, "in_proj_weight", None)
    if not isinstance(weight, Tensor):
        return None
    return _split(attention, weight, getattr(attention, "in_proj_bias", None), 3)


@projection
def _one_for_all(attention: nn.Module) -> list[Rows] | None:
    fused = linear(attention, "qkv")
    rows = _fused(attention, fused) if fused and fused.out_features % len(PARTS) == 0 else None
    # What follows takes in the values of all heads. Where it takes in more or less, they were not found: the projection
    # makes only keys and values, say (GCViT's global windows), or stands in an order that is not known.
    out = linear(attention, "proj")
    return rows if rows is None or out is None or out.in_features == len(rows[-1].weight) else None


@projection
def _value_apart(attention: nn.Module) -> list[Rows] | None:
    both, value = linear(attention, "qk"), linear(attention, "v")
    return [*_split(both, both.weight, both.bias, 2), whole(value)] if both and value else None


@projection
def _query_apart(attention: nn.Module) -> list[Rows] | None:
    query, both = linear(attention, "q"), linear(attention, "kv")
    return [whole(query), *_split(both, both.weight, both.bias, 2)] if query and both else None


@projection
def _three_apart(attention: nn.Module) -> list[Rows] | None:
    alone = [linear(attention, f"{part[0]}_proj") or linear(attention, part[0]) for part in PARTS]
    rows = [whole(layer) for layer in alone if layer]
    return rows if len(rows) == len(PARTS) else None


def _split(module: nn.Module, weight: Tensor, bias: Tensor | None, parts: int) -> list[Rows]:
    """A weight's rows in so many equal parts, one after the other."""
    biases = [None] * parts if bias is None else bias.chunk(parts)
    width = len(weight) // parts
    places = [slice(start, start + width) for start in range(0, parts * width, width)]
    return [Share(module, weight[at], each, held=weight, at=at) for at, each in zip(places, biases, strict=True)]


def _fused(attention: nn.Module, fused: nn.Linear) -> list[Rows]:
    """The three parts of one projection."""
    weight, bias, module = fused.weight, fused.bias, fused
    if isinstance(query_bias := getattr(attention, "q_bias", None), Tensor):
        # A bias kept beside the projection; the weights may be used without calling their module (BEiT, EVA, Swin v2).
        key_bias, value_bias = getattr(attention, "k_bias", None), getattr(attention, "v_bias", None)
        others = [bias if isinstance(bias, Tensor) else torch.zeros_like(query_bias) for bias in (key_bias, value_bias)]
        bias, module = torch.cat([query_bias, *others]), attention
    if (places := _heads_apart(attention, weight)) is not None:
        return [Share(module, weight[at], None if bias is None else bias[at], held=weight, at=at) for at in places]
    return _split(module, weight, bias, 3)


def _heads_apart(attention: nn.Module, weight: Tensor) -> list[Tensor] | None:
    """Where each head has its query, key and value side by side in this weight: which rows are the queries of all heads, the
    keys and the values. None where the weight holds the three one after the other."""
    whole = [getattr(attention, name, None) for name in ("num_heads", "dim_head", "key_dim", "val_dim")]
    heads, width, key, value = (size if isinstance(size, int) else 0 for size in whole)
    if getattr(attention, "head_first", False) and width:  # MaxViT
        widths = [width] * 3
    elif heads * (2 * key + value) == len(
        weight
    ):  # TinyViT, EfficientFormer: values may be wider than queries and keys
        widths = [key, key, value]
    else:
        return None
    by_head = torch.arange(len(weight), device=weight.device).view(-1, sum(widths))
    return [part.flatten() for part in by_head.split(widths, dim=1)]
