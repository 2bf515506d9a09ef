"""Where each position stands in a tensor that a block has cut into windows.

Found by experiment: a block's input is replaced by a code that numbers its positions, its norms by nothing, and what
reaches the attention is read. Rolls, padding and partitions of any kind only move the code, so it tells them all.
"""

from __future__ import annotations

import math
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
) -> dict[str, Tensor | None]:
    """For each site that stands in windows: the place of every position, row by row, or None where that cannot be found.
    Others are left out."""
    entering = _entering(module, found, probe)
    inside = [
        part
        for part in found
        if part.block in entering and _in_windows(shapes.get(part.point.site, ()), entering[part.block])
    ]
    places: dict[str, Tensor | None] = {part.point.site: None for part in inside}
    for channels_last in (True, False):  # of what enters the block
        waiting = [part for part in inside if places[part.point.site] is None]
        waiting = [part for part in waiting if channels_last or len(entering[part.block]) == 4]
        if waiting:
            codes = _codes_that_arrive(module, waiting, probe, channels_last)
            places |= {site: _places(code) for site, code in codes.items()}
    return places


def _entering(module: nn.Module, found: Sequence[Windowed], probe: Tensor) -> dict[nn.Module | None, tuple[int, ...]]:
    """The shape of what enters each block, where something does."""
    blocks = dict.fromkeys(part.block for part in found if part.block is not None)
    points = [HookPoint(str(number), "", "", block, "input") for number, block in enumerate(blocks)]
    seen = run(module, points, probe, keep=lambda point, value: tuple(value.shape)) if points else {}
    return {block: seen[str(number)] for number, block in enumerate(blocks) if str(number) in seen}


def _in_windows(shape: Sequence[int], entering: Sequence[int]) -> bool:
    """More rows than the one probe image, more dimensions than a map has, or more positions than enter the block: a map that
    is smaller than a window is padded to one."""
    if not shape:
        return False
    if len(shape) > 4 or shape[0] != 1:
        return True
    positions = {math.prod(entering[1:-1]), *([math.prod(entering[2:])] if len(entering) == 4 else [])}
    here = {math.prod(shape[1:-1]), *([math.prod(shape[2:])] if len(shape) == 4 else [])}
    return here.isdisjoint(positions) and min(here) > min(positions)


def _codes_that_arrive(
    module: nn.Module, inside: Sequence[Windowed], probe: Tensor, channels_last: bool
) -> dict[str, Tensor]:
    me = threading.get_ident()

    def mine(hook):
        return lambda *args: hook(*args) if threading.get_ident() == me else None

    def hooks() -> Iterator[RemovableHandle]:
        blocks = {part.block: [each.reaches for each in inside if each.block is part.block] for part in inside}
        for block, wanted in blocks.items():
            assert block is not None
            yield block.register_forward_pre_hook(mine(lambda _, args: (_code(args[0], channels_last), *args[1:])))
            for part in _on_the_way(block, wanted):
                yield part.register_forward_hook(mine(_as_it_came))

    points = [HookPoint(part.point.site, "", "", part.reaches, "input") for part in inside]
    with placed(hooks()):
        return run(module, points, probe, keep=lambda point, value: value)


def _on_the_way(part: nn.Module, wanted: Sequence[nn.Module | None]) -> Iterator[nn.Module]:
    """What stands beside the way from a block to the modules that the code must reach: norms, position codes."""
    for child in part.children():
        if any(each in wanted for each in [*child.modules()][1:]):
            yield from _on_the_way(child, wanted)
        elif child not in wanted:
            yield child


def _as_it_came(_: nn.Module, args: tuple, output: object) -> Tensor | None:
    """A module's input in the place of its output, where they are of one kind."""
    same = args and isinstance(args[0], Tensor) and isinstance(output, Tensor) and args[0].shape == output.shape
    return args[0] if same else None


def _code(like: Tensor, channels_last: bool) -> Tensor:
    """A tensor of this shape (1, ..., feature), or (1, feature, height, width), whose first two features number its positions
    from 1, in two digits."""
    code = torch.zeros_like(like)
    laid = code if channels_last else code.movedim(1, -1)
    numbers = torch.arange(1, laid[0, ..., 0].numel() + 1, device=like.device).view(1, *laid.shape[1:-1])
    laid[..., 0], laid[..., 1] = numbers % BASE, numbers // BASE
    return code


def _places(code: Tensor) -> Tensor | None:
    """Where each position went; None unless every position arrived exactly once (padding carries no number)."""
    numbers = (code[..., 0].float() + BASE * code[..., 1].float()).round().long().flatten()
    there = (numbers > 0).nonzero().flatten()
    order = there[numbers[there].argsort()]
    count = len(order)
    wanted = torch.arange(1, count + 1, device=numbers.device)
    return order if count and torch.equal(numbers[order], wanted) else None
