"""Sites: the tensors inside a model, under the same names and in the same layout for every architecture.

A site's name says what it is, not what its author called the module: `blocks.5.mlp.hidden`,
`stages.2.blocks.1`, `head.logits`. Models are told apart by structure, never by name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from torch import Tensor, nn

from engine.core.errors import BadRequest
from engine.sites.hooks import HookPoint, check_units, chosen, run, run_awake, run_rows
from engine.sites.last_block import LastBlock, last_block
from engine.sites.plan import FAMILIES, Plan, Site, plan

__all__ = ["FAMILIES", "Site", "discover", "families", "find", "lost", "read", "read_unit"]

Found = TypeVar("Found")


def discover(module: nn.Module, input_size: tuple[int, int]) -> dict[str, Site]:
    """The sites of a model in eval mode, in order of depth, for images of (height, width) pixels.

    Runs a few probe images through the model, once. Raises BadRequest where the model's structure is none that
    Vitrine knows, or where it cannot take images of this size.
    """
    return plan(module, input_size).sites


def lost(module: nn.Module, input_size: tuple[int, int]) -> str:
    """The tensors that are no sites because nothing tells where in the image their positions lie, in short; empty for none."""
    return families(plan(module, input_size).lost)


def read(module: nn.Module, sites: Sequence[str], images: Tensor) -> dict[str, Tensor]:
    """Activations of several sites in one pass that stops after the deepest of them, and of the last block runs no more
    than is asked for.

    Images (batch, 3, height, width) are normalised already. Each site gives (batch, position, unit).
    Gradients flow to the images where they are enabled. Raises BadRequest for an unknown site.
    """
    points = _plan(module, images).points
    wanted = {name: find(points, name) for name in sites}
    heads = [point for point in wanted.values() if point.module is None]
    last = last_block(module, images.shape[-2:]) if heads else None
    if last is None or any(_inside(last, point) for point in wanted.values()):
        values = run(module, [*wanted.values()], images)
    else:
        values = run(module, [last.before, *(point for point in wanted.values() if point.module is not None)], images)
        answer = last.answer(module, values[last.before.site])
        values |= {point.site: point.cut(answer, len(images)) for point in heads}
    return {name: values[name] for name in wanted}


def _inside(last: LastBlock, point: HookPoint) -> bool:
    """Whether a site is only there when the last block is run in full; what enters it is there before."""
    entering = point.module is last.block and point.side == "input"
    return not entering and any(part is point.module for part in last.block.modules())


def read_unit(module: nn.Module, site: str, images: Tensor, units: Tensor, leak: float = 0.0) -> Tensor:
    """Unit `units[i]` of the site for image i: (batch, position), the same values as `read` gives.

    Where the site is an activation of a linear layer, only the units asked for are computed, and `leak` is added to
    the slope of the activation function (for the gradient only), so that no unit is ever without one. Where it is an
    activation of other layers, that is done for images on which the unit is silent.
    Raises BadRequest for an unknown site or a unit out of range.
    """
    known = _plan(module, images)
    point = find(known.points, site)
    check_units(site, units, known.sites[site].units, images)
    if point.rows is not None:
        return run_rows(module, point, images, units, leak)
    if leak and point.act is not None:
        return run_awake(module, point, images, units, leak)
    return chosen(read(module, [site], images)[site], units)


def find(known: Mapping[str, Found], site: str) -> Found:
    """What is known under a site's name. Raises BadRequest, with near names and all families, where nothing is."""
    if site in known:
        return known[site]
    near = difflib.get_close_matches(site, known, n=2, cutoff=0.7)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise BadRequest(f"This model has no site “{site[:60]}”.{hint} Its sites: {families(known)}.")


def families(names: Iterable[str]) -> str:
    """Site names in short: `blocks.0-11.mlp.hidden`, one entry for all that differ only in their last number."""
    groups: dict[str, list[int]] = {}
    for name in names:
        *_, last = re.finditer(r"\d+", name) if re.search(r"\d", name) else [None]
        pattern = name if last is None else f"{name[: last.start()]}#{name[last.end() :]}"
        groups.setdefault(pattern, []).append(0 if last is None else int(last.group()))
    spans = (pattern.replace("#", _span(numbers)) for pattern, numbers in groups.items())
    return ", ".join(spans)


def _span(numbers: Sequence[int]) -> str:
    return f"{min(numbers)}-{max(numbers)}" if len(numbers) > 1 else str(numbers[0])


def _plan(module: nn.Module, images: Tensor) -> Plan:
    height, width = images.shape[-2:]
    return plan(module, (height, width))
