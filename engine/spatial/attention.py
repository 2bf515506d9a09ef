"""Attention looked at: how its weights spread over positions."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from engine.sites.attention import PARTS, is_attention
from engine.sites.hooks import placed
from engine.sites.parts import child
from engine.sites.projecting import Projecting

Projections = dict[str, Tensor]
"""What an attention projected: query, key and value, (B, position, unit) each, heads one after the other. Keys and values
may stand at other positions than queries do."""


def attentions(module: nn.Module) -> list[nn.Module]:
    """Every attention, from the image to the head: whatever projects to query, key and value."""
    return [part for part in module.modules() if is_attention(part)]


def heads_of(attention: nn.Module) -> int:
    """How many heads it has."""
    return int(getattr(attention, "num_heads", 1))


@contextmanager
def watched(parts: Sequence[nn.Module]) -> Iterator[list[tuple[nn.Module, Projections, Tensor]]]:
    """Inside, each of these attentions leaves (itself, what it projected, what it added) in the list whenever it has run in
    this thread."""
    me, seen, pending = threading.get_ident(), [], dict[nn.Module, Projections]()

    def projected(attention: nn.Module, part: str, tensor: Tensor) -> None:
        pending.setdefault(attention, {})[part] = tensor

    def ended(attention: nn.Module, _: Any, output: Any) -> None:
        if threading.get_ident() == me and attention in pending:
            seen.append((attention, pending.pop(attention), output[0] if isinstance(output, tuple) else output))

    with placed(part.register_forward_hook(ended) for part in parts), Projecting(parts, projected):
        yield seen


def weights(attention: nn.Module, projections: Projections) -> Tensor:
    """The attention weights (B, head, query, key) in float32, from what it projected."""
    with torch.autocast(projections["query"].device.type, enabled=False):  # which would multiply in bfloat16 again
        query, key = (_normed(attention, part, projections[part].float()) for part in ("query", "key"))
        scale = float(getattr(attention, "scale", query.shape[-1] ** -0.5))
        return (query @ key.transpose(-2, -1) * scale).softmax(dim=-1)


def explains(attention: nn.Module, projections: Projections, added: Tensor) -> bool:
    """Whether these weights are all there is to it: applied to the values, they give what the attention added."""
    out = child(attention, "proj") or child(attention, "out_proj")
    if out is None or {*projections} != {*PARTS} or any(part.ndim != 3 for part in projections.values()):
        return False
    try:
        mixed = (
            (weights(attention, projections) @ _in_heads(attention, projections["value"]).float())
            .transpose(1, 2)
            .flatten(2)
        )
        # A norm may be that of what is mixed (timm's plain attention) or of what keys and values are made from (PVT v2).
        norm = child(attention, "norm")
        candidates = [mixed] if norm is None else [mixed, norm(mixed)]
        return any(_alike(out(values), added) for values in candidates)
    except (AttributeError, RuntimeError, TypeError):
        return False


def spread(weights: Tensor) -> tuple[Tensor, Tensor]:
    """Of weights (..., N): entropy as a share of the largest there is (1: all alike, 0: one position alone), and total
    variation distance from all alike (0 to 1 - 1/N)."""
    count = weights.shape[-1]
    entropy = -torch.xlogy(weights, weights).sum(dim=-1) / torch.log(torch.tensor(float(max(count, 2))))
    return entropy, (weights - 1 / count).abs().sum(dim=-1) / 2


def _alike(again: Tensor, added: Tensor) -> bool:
    return again.shape == added.shape and bool((again - added).abs().max() <= 1e-3 * added.abs().max())


def _in_heads(attention: nn.Module, tensor: Tensor) -> Tensor:
    """(B, position, unit) -> (B, head, position, unit of the head)."""
    return tensor.unflatten(2, (heads_of(attention), -1)).transpose(1, 2)


def _normed(attention: nn.Module, part: str, tensor: Tensor) -> Tensor:
    """Query or key by heads, through its norm where it has one."""
    norm = child(attention, f"{part[0]}_norm")
    heads = _in_heads(attention, tensor)
    return heads if norm is None else norm(heads)
