"""Attention taken away: what is left when every position attends to all alike.

Reached through the values: where every position offers the mean of all values, any weights that sum to one give that mean.
So position biases, norms of query and key, gates and mixtures of heads all stay as they are. Invariant: before that is
relied on, it is tried on the attention itself; where its answer still depends on queries and keys, it is refused.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.sites.hooks import placed
from engine.sites.projecting import Projecting
from engine.spatial.attention import heads_of
from engine.spatial.blocks import UnsupportedArchitecture

ROUNDING = 1e-5
"""What counts as rounding, as a share of the largest value that an attention gives."""
LITTLE = 1e-2
"""How much of the change that random queries and keys cause may be left once all values are equal."""
MASKED = "The mask does not divide positions into groups, so attention cannot be made uniform."


@dataclass(frozen=True)
class Averaging:
    """An attention that gives weighted means of its values, over the last `dims` dimensions before the features."""

    attention: nn.Module
    dims: int = 1

    @classmethod
    def of(cls, attention: nn.Module, *args: Any, **kwargs: Any) -> Averaging:
        """Found by trying it on one call in float32: the fewest dimensions with which its answer no longer depends on queries
        and keys. Raises UnsupportedArchitecture for an attention whose values cannot be seen, and for one that does something
        else than average them."""
        mixed = _groups(attention, args, kwargs)
        shapes: list[int] = []

        def forward(dims: int, noise: bool) -> Tensor:
            draws = torch.Generator().manual_seed(0)

            def edit(_: nn.Module, part: str, tensor: Tensor) -> Tensor | None:
                if part == "value":
                    shapes.append(tensor.ndim)
                    return _mean(tensor, dims, mixed) if dims else None
                return torch.randn(tensor.shape, generator=draws).to(tensor) if noise else None

            with Projecting([attention], edit):
                output = attention.forward(*args, **kwargs)
            return output[0] if isinstance(output, tuple) else output

        natural = forward(0, noise=False)
        if not shapes:
            raise UnsupportedArchitecture("The values cannot be found, so attention cannot be made uniform.")
        most = max(LITTLE * _difference(natural, forward(0, noise=True)), ROUNDING * float(natural.abs().max()))
        for dims in range(1, shapes[0] - 1):
            if _difference(forward(dims, noise=False), forward(dims, noise=True)) <= most:
                return cls(attention, dims)
        raise UnsupportedArchitecture(
            "Even where all values are equal, the output depends on queries and keys, so attention cannot be made uniform."
        )


def averagings(
    module: nn.Module, attentions: Sequence[nn.Module], images: Tensor
) -> dict[nn.Module, Averaging | UnsupportedArchitecture]:
    """What is known of each of these attentions from one pass over normalised images (B, 3, H, W) in float32, or why it
    cannot be made uniform. One that the pass does not reach is missing."""
    me, known = threading.get_ident(), dict[nn.Module, Averaging | UnsupportedArchitecture]()

    def entered(attention: nn.Module, args: Any, kwargs: Any) -> None:
        if threading.get_ident() != me or attention in known:
            return
        try:
            known[attention] = Averaging.of(attention, *args, **kwargs)
        except UnsupportedArchitecture as error:
            known[attention] = error

    with _entering(attentions, entered):
        module(images)
    return known


@contextmanager
def uniform(averaging: Averaging, heads: Sequence[int] | None = None) -> Iterator[None]:
    """Inside, every position of these heads (None: all) attends alike to all positions that it can see, in this thread alone.

    Raises UnsupportedArchitecture for single heads of an attention whose heads share their values.
    """
    attention, me, mixed = averaging.attention, threading.get_ident(), list[Tensor | None]([None])

    def entered(_: nn.Module, args: Any, kwargs: Any) -> None:
        if threading.get_ident() == me:
            mixed[0] = _groups(attention, args, kwargs)

    def edit(_: nn.Module, part: str, value: Tensor) -> Tensor | None:
        if part != "value":
            return None
        if heads is None:
            return _mean(value, averaging.dims, mixed[0])
        apart = _apart_by_heads(attention, value)
        some = apart[..., [*heads], :]
        apart[..., [*heads], :] = _mean(some.flatten(-2), averaging.dims, mixed[0]).reshape(some.shape)
        return apart.flatten(-2)

    with _entering([attention], entered), Projecting([attention], edit):
        yield


def _entering(
    attentions: Sequence[nn.Module], entered: Callable[[nn.Module, Any, Any], None]
) -> AbstractContextManager[None]:
    """Inside, `entered(attention, args, kwargs)` is called before each of these runs, in any thread."""
    return placed(attention.register_forward_pre_hook(entered, with_kwargs=True) for attention in attentions)


def _difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max())


def _mean(value: Tensor, dims: int, mixed: Tensor | None) -> Tensor:
    """Values (batch, ..., feature), each replaced by the mean of those that its position can see."""
    if mixed is None:
        return value.mean(dim=[*range(-1 - dims, -1)], keepdim=True).expand_as(value)
    if value.ndim != 3 or len(value) % len(mixed) or value.shape[1] != mixed.shape[1]:
        raise UnsupportedArchitecture(MASKED)
    return (mixed.to(value) @ value.unflatten(0, (-1, len(mixed)))).flatten(0, 1)


def _apart_by_heads(attention: nn.Module, value: Tensor) -> Tensor:
    """A copy of values (batch, ..., feature) as (batch, ..., head, feature of the head)."""
    count = heads_of(attention)
    if getattr(attention, "num_kv_heads", count) != count or value.shape[-1] % count:
        raise UnsupportedArchitecture(
            "The heads share their values, so a single head's attention cannot be made uniform."
        )
    return value.unflatten(-1, (count, -1)).clone()


def _groups(attention: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor | None:
    """Weights (windows, N, N) of the mean over what each position can see, where a call gives its attention a mask; None
    where it sees all.

    Swin's: added to the logits, 0 where a position is seen. A mean can stand for what is seen only where positions fall
    into groups that see each other and nothing else. Raises UnsupportedArchitecture for any other mask.
    """
    given = inspect.signature(attention.forward).bind(*args, **kwargs).arguments
    masks = [value for name, value in given.items() if ("mask" in name or "causal" in name) and value is not None]
    masks = [mask for mask in masks if mask is not False]
    if not masks:
        return None
    mask = masks[0]
    if len(masks) > 1 or not isinstance(mask, Tensor) or mask.dtype == torch.bool or mask.ndim not in (2, 3):
        raise UnsupportedArchitecture(MASKED)
    seen = (mask == 0).float().view(-1, *mask.shape[-2:])
    same = seen.shape[1] == seen.shape[2] and torch.equal(seen, seen.transpose(1, 2))
    if not same or not torch.equal((seen @ seen > 0).float(), seen) or not bool(seen.any(2).all()):
        raise UnsupportedArchitecture(MASKED)
    return seen / seen.sum(dim=2, keepdim=True)
