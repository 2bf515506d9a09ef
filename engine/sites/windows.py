"""Where each position stands in a tensor that a block has cut into windows.

Found by experiment: a block's input is replaced by a code that numbers its positions, its norms by nothing, and what
reaches the attention is read. Rolls, padding and partitions of any kind only move the code, so it tells them all.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from engine.sites.hooks import HookPoint, placed, run

BASE = 128  # numbers are written in two digits: bfloat16 holds whole numbers only up to 256


@dataclass(frozen=True)
class Windowed:
    """A point, the block whose input would have to be coded, and the module that the code must reach (None: no block)."""

    point: HookPoint
    block: nn.Module | None = None
    reaches: nn.Module | None = None


def orders(
    module: nn.Module, found: Sequence[Windowed], shapes: Mapping[str, Sequence[int]], probe: Tensor
) -> dict[str, Tensor]:
    """For each site that stands in windows: the place of every position, row by row. Others are left out."""
    inside = [part for part in found if part.block is not None and _in_windows(shapes.get(part.point.site, ()))]
    if not inside:
        return {}
    codes = _codes_that_arrive(module, inside, probe)
    places = {part.point.site: _places(codes[part.point.site]) for part in inside if part.point.site in codes}
    return {site: order for site, order in places.items() if order is not None}


def _in_windows(shape: Sequence[int]) -> bool:
    """More rows than the one probe image, or more dimensions than a map has."""
    return len(shape) > 4 or (len(shape) > 0 and shape[0] != 1)


def _codes_that_arrive(module: nn.Module, inside: Sequence[Windowed], probe: Tensor) -> dict[str, Tensor]:
    me = threading.get_ident()

    def mine(hook):
        return lambda *args: hook(*args) if threading.get_ident() == me else None

    def hooks() -> Iterator[RemovableHandle]:
        for block, part in {part.block: part for part in inside if part.block is not None}.items():
            yield block.register_forward_pre_hook(mine(lambda _, args: (_code(args[0]), *args[1:])))
            for child in block.children():
                if part.reaches not in set(child.modules()) and not any(True for _ in child.children()):
                    yield child.register_forward_hook(mine(lambda _, args, __: args[0]))

    points = [HookPoint(part.point.site, "", "", part.reaches, "input") for part in inside]
    with placed(hooks()):
        return run(module, points, probe, keep=lambda point, value: value)


def _code(like: Tensor) -> Tensor:
    """A tensor of this shape (1, ..., feature) whose first two features number its positions from 1, in two digits."""
    numbers = torch.arange(1, like[0, ..., 0].numel() + 1, device=like.device).view(1, *like.shape[1:-1])
    code = torch.zeros_like(like)
    code[..., 0], code[..., 1] = numbers % BASE, numbers // BASE
    return code


def _places(code: Tensor) -> Tensor | None:
    """Where each position went; None unless every position arrived exactly once (padding carries no number)."""
    numbers = (code[..., 0].float() + BASE * code[..., 1].float()).round().long().flatten()
    there = (numbers > 0).nonzero().flatten()
    order = there[numbers[there].argsort()]
    count = len(order)
    wanted = torch.arange(1, count + 1, device=numbers.device)
    return order if count and torch.equal(numbers[order], wanted) else None
