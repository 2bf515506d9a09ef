"""The sites of networks made of blocks with a feed-forward part: transformers of every kind, and MLP mixers.

A block is a module with a feed-forward or an attention child. Names come from the numbers in the blocks' own names:
blocks.N where there is one row of them, stages.S.blocks.N where there are several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from engine.sites.attention import is_attention, projected
from engine.sites.cnn import stages_of
from engine.sites.hooks import HookPoint, run
from engine.sites.mlp import channels_last, is_mlp, mlp_hidden
from engine.sites.windows import Windowed

NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Block:
    """A block with its attentions (none: it mixes positions in another way) and its feed-forward parts."""

    path: str
    module: nn.Module
    attentions: list[nn.Module]
    mlps: list[nn.Module]


def transformer_points(module: nn.Module, probe: Tensor) -> list[Windowed]:
    """The points of every site but the logits, from the image to the head; none for a network that is no such thing."""
    blocks = _blocks(module)
    if not blocks or (stages_of(module) and not any(block.attentions for block in blocks)):
        return []
    blocks = _on_the_image(module, blocks, probe)
    points = [
        Windowed(HookPoint("tokens.embed", "tokens.embed", "tokens", block.module, "input")) for block in blocks[:1]
    ]
    for name, block in zip(_names([block.path for block in blocks]), blocks, strict=True):
        points.extend(_branches(name, block) if len(block.attentions) > 1 else _block_points(name, block))
    return points


def _blocks(module: nn.Module) -> list[Block]:
    found = []
    for path, part in module.named_modules():
        children = [*part.children()]
        attentions = [child for child in children if is_attention(child)]
        mlps = [child for child in children if is_mlp(child) and child not in attentions]
        if (mlps or attentions) and NUMBER.search(path):
            found.append(Block(path, part, attentions, mlps))
    return found


def _on_the_image(module: nn.Module, blocks: list[Block], probe: Tensor) -> list[Block]:
    """Without the blocks that work on class tokens alone (class attention in CaiT and XCiT), which have no map."""
    points = [HookPoint(block.path, "", "", [block.module, *block.mlps][-1], "input") for block in blocks]
    sizes = run(module, points, probe, keep=lambda point, value: value[0, ..., 0].numel())
    return [block for block in blocks if sizes.get(block.path, 0) > 1]


def _names(paths: list[str]) -> list[str]:
    """blocks.N, or stages.S.blocks.N where blocks stand in several rows; what follows the last number is kept."""
    split = []
    for path in paths:
        *_, last = NUMBER.finditer(path)
        split.append((path[: last.start()], last.group(), path[last.end() :]))
    rows = [*dict.fromkeys(row for row, _, _ in split)]
    many = len(rows) > 1
    return [f"{f'stages.{rows.index(row)}.' if many else ''}blocks.{number}{tail}" for row, number, tail in split]


def _block_points(name: str, block: Block) -> Iterator[Windowed]:
    for attention in block.attentions:
        yield from _attention_points(name, block.module, attention)
    # A mixer's first feed-forward part runs along the positions; the one along the features comes last.
    flat = all(map(channels_last, block.mlps))
    for mlp in block.mlps[-1:]:
        yield from map(Windowed, mlp_hidden(name, mlp))
        yield Windowed(HookPoint(f"{name}.mlp.out", "mlp.out", name, mlp, channels_last=flat))
    yield Windowed(HookPoint(f"{name}.residual", "residual", name, block.module, channels_last=flat))


def _branches(name: str, block: Block) -> Iterator[Windowed]:
    """A block that works on several resolutions side by side (CoaT), perhaps with one feed-forward part for all."""
    for number, attention in enumerate(block.attentions):
        branch, shared = f"{name}.branch.{number}", len(block.mlps) == 1
        mlp, call = (block.mlps[0], number) if shared else (block.mlps[number], 0)
        yield from _attention_points(branch, block.module, attention)
        yield from map(Windowed, mlp_hidden(branch, mlp, call))
        yield Windowed(HookPoint(f"{branch}.mlp.out", "mlp.out", branch, mlp, call=call))


def _attention_points(name: str, block: nn.Module, attention: nn.Module) -> Iterator[Windowed]:
    for part, rows in projected(attention):
        role = f"attn.{part}"
        point = HookPoint(f"{name}.{role}", role, name, rows.module, "input", rows=rows, computed=True)
        yield Windowed(point, block, rows.module)
    yield Windowed(HookPoint(f"{name}.attn.out", "attn.out", name, attention), block, attention)
