"""Attention looked at and taken away: how its weights spread, and what is left when they are all equal.

Uniform attention is reached through the values: where every position offers the mean of all values, any weights that sum
to one give that mean. So position biases, norms of query and key, and windows (the mean is then the window's) all
stay as they are.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from engine.sites.hooks import PLACING
from engine.spatial.blocks import UnsupportedArchitecture, child


def attentions(module: nn.Module) -> list[nn.Module]:
    """The attention of every block, from the image to the head: whatever projects to query, key and value."""
    return [part for part in module.modules() if _projection(part) is not None]


def heads_of(attention: nn.Module) -> int:
    """How many heads it has."""
    return int(getattr(attention, "num_heads", 1))


@contextmanager
def uniform(attention: nn.Module, heads: Sequence[int] | None = None) -> Iterator[None]:
    """Inside, every position of these heads (None: all) attends to all positions alike, in this thread alone.

    Raises UnsupportedArchitecture at the end where the attention did not ask its own projection for values.
    """
    linear, fused = _checked(attention)
    me, fired, count = threading.get_ident(), False, heads_of(attention)

    def replace(_: nn.Module, __: Any, output: Tensor) -> Tensor | None:
        nonlocal fired
        if threading.get_ident() != me:
            return None
        fired = True
        width = output.shape[-1] // 3 if fused else output.shape[-1]
        value = output[..., -width:].unflatten(-1, (count, -1))
        chosen = list(range(count)) if heads is None else [*heads]
        value = value.clone()
        value[..., chosen, :] = value[..., chosen, :].mean(dim=1, keepdim=True).expand_as(value[..., chosen, :])
        return torch.cat([output[..., :-width], value.flatten(-2)], dim=-1) if fused else value.flatten(-2)

    with PLACING:
        handle = linear.register_forward_hook(replace)
    try:
        yield
    finally:
        with PLACING:
            handle.remove()
    if not fired:
        raise UnsupportedArchitecture("Its attention has no separate value projection, so it cannot be made uniform.")


@contextmanager
def watched(parts: Sequence[nn.Module]) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Inside, each of these attentions leaves (what its query-key-value projection gave, what it added) in the list,
    in the order in which they run in this thread."""
    me, seen, pending = threading.get_ident(), [], {}

    def projected(part: nn.Module) -> Any:
        return lambda _, __, output: pending.update({part: output}) if threading.get_ident() == me else None

    def ended(part: nn.Module, _: Any, output: Tensor) -> None:
        if threading.get_ident() == me and part in pending:
            seen.append((pending.pop(part), output))

    handles = []
    with PLACING:
        for part in parts:
            handles.append(_checked(part)[0].register_forward_hook(projected(part)))
            handles.append(part.register_forward_hook(ended))
    try:
        yield seen
    finally:
        with PLACING:
            for handle in handles:
                handle.remove()


def weights(attention: Any, projected: Tensor) -> Tensor:
    """The attention weights (B, head, query, key) in float32, from what the fused projection gave (B, N, 3 x D)."""
    with torch.autocast(projected.device.type, enabled=False):  # which would multiply in bfloat16 again
        query, key, _ = _split(attention, projected.float())
        return (query @ key.transpose(-2, -1) * float(attention.scale)).softmax(dim=-1)


def explains(attention: Any, projected: Tensor, added: Tensor) -> bool:
    """Whether these weights are all there is to it: applied to the values, they give what the attention added."""
    try:
        value = _split(attention, projected)[2]
        mixed = (weights(attention, projected) @ value.float()).transpose(1, 2).flatten(2)
        norm = child(attention, "norm")
        again = attention.proj(norm(mixed) if norm is not None else mixed)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return again.shape == added.shape and bool((again - added).abs().max() <= 1e-3 * added.abs().max())


def spread(weights: Tensor) -> tuple[Tensor, Tensor]:
    """Of weights (..., N): entropy as a share of the largest there is (1: all alike, 0: one position alone), and total
    variation distance from all alike (0 to 1 - 1/N)."""
    count = weights.shape[-1]
    entropy = -torch.xlogy(weights, weights).sum(dim=-1) / torch.log(torch.tensor(float(max(count, 2))))
    return entropy, (weights - 1 / count).abs().sum(dim=-1) / 2


def _split(attention: Any, projected: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    query, key, value = (
        part.unflatten(2, (attention.num_heads, -1)).transpose(1, 2) for part in projected.chunk(3, dim=2)
    )
    if child(attention, "q_norm") is not None:
        query, key = attention.q_norm(query), attention.k_norm(key)
    return query, key, value


def _projection(attention: nn.Module) -> tuple[nn.Linear, bool] | None:
    """The linear layer that makes the values, and whether it makes queries and keys before them."""
    fused, alone = child(attention, "qkv"), child(attention, "v_proj")
    if isinstance(fused, nn.Linear) and fused.out_features % 3 == 0:
        return fused, True
    return (alone, False) if isinstance(alone, nn.Linear) else None


def _checked(attention: nn.Module) -> tuple[nn.Linear, bool]:
    found = _projection(attention)
    if found is None:
        raise UnsupportedArchitecture("It has no attention.")
    return found
