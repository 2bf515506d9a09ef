"""Running a model only as far as asked, with hooks on tensors inside it.

Invariants: hooks are gone when a run ends, however it ends; a hook acts only for the thread that
placed it, so that threads can share one model; every tapped tensor leaves in the house's layout
(batch, position, unit).
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from engine.core.errors import BadRequest
from engine.sites.grid import channels_to_positions

# Handles take their number from a counter that torch does not guard: two threads placing hooks on one
# module at the same moment could get the same number, and one hook would silently replace the other.
PLACING = threading.Lock()
_PLACED: set[int] = set()
"""The numbers of the hooks that runs have placed and not yet removed."""


@dataclass(frozen=True)
class Rows:
    """A site that is `act(x W + b)`, unit by unit, of what enters `module`: weight (unit, feature), bias (unit,)."""

    module: nn.Module
    weight: Tensor
    bias: Tensor | None
    act: nn.Module | None = None

    def of(self, entering: Tensor) -> Tensor:
        """All units: (batch, position, feature) -> (batch, position, unit)."""
        values = nn.functional.linear(entering, self.weight, self.bias)
        return values if self.act is None else self.act(values)


@dataclass(frozen=True)
class HookPoint:
    """Where a site's tensor is found: what enters or leaves `module` (None: what the whole model returns).

    `call` counts the calls of a module that a pass uses several times. `order` says at which place of the tensor each
    position stands, for models that cut the image into windows. A `computed` site is no module's output: its rows are
    applied to what is tapped. `act` is the activation function that gave the tensor as it is, where one did.
    """

    site: str
    role: str
    block: str
    module: nn.Module | None
    side: Literal["input", "copied input", "output"] = "output"  # a copy where the module writes over its input
    channels_last: bool = True
    call: int = 0
    order: Tensor | None = None
    rows: Rows | None = None
    computed: bool = False
    act: nn.Module | None = None

    def cut(self, value: Tensor, batch: int) -> Tensor:
        """The site's tensor as (batch, position, unit)."""
        value = self.positions(value, batch)
        return self.rows.of(value) if self.computed and self.rows else value

    def positions(self, value: Tensor, batch: int) -> Tensor:
        """The tapped tensor as (batch, position, feature), each position at its own place."""
        if value.ndim == 4 and not self.channels_last:
            value = channels_to_positions(value)
        value = value.reshape(batch, -1, value.shape[-1])
        return value if self.order is None else value[:, self.order]


class _Reached(Exception):
    """Everything asked for has been seen: no need to run on."""


def run(
    module: nn.Module,
    points: Sequence[HookPoint],
    images: Tensor,
    keep: Callable[[HookPoint, Tensor], Any] | None = None,
) -> dict[str, Any]:
    """One pass over images (batch, 3, height, width) that ends as soon as every point has been seen.

    Returns what `keep` makes of each tapped tensor, by site (without it: the site's tensor in the house's layout); a
    point that the pass never reaches is missing.
    """
    me = threading.get_ident()
    seen: dict[str, Any] = {}
    calls: dict[str, int] = defaultdict(int)
    ends_inside = all(point.module is not None for point in points)

    def note(here: Sequence[HookPoint], value: Any = None) -> None:
        value = value[0] if isinstance(value, tuple) and value else value
        if threading.get_ident() != me or not isinstance(value, Tensor):
            return
        for point in here:
            if calls[point.site] == point.call:
                seen[point.site] = keep(point, value) if keep else point.cut(value, len(images))
            calls[point.site] += 1
        if ends_inside and len(seen) == len(points):
            raise _Reached

    places: dict[tuple[nn.Module, str], list[HookPoint]] = defaultdict(list)
    for point in points:
        if point.module is not None:
            places[point.module, point.side].append(point)
    try:
        with placed(_hook(inner, side, partial(note, here)) for (inner, side), here in places.items()):
            note([point for point in points if point.module is None], module(images))
    except _Reached:
        pass
    return seen


@contextmanager
def placed(hooks: Iterable[RemovableHandle]) -> Iterator[None]:
    """Inside, the hooks are there that `hooks` (a generator) places while it is read; they are gone afterwards, however it
    ends. They act in every thread: each looks for itself whose it is."""
    handles: list[RemovableHandle] = []
    try:
        with PLACING:
            for handle in hooks:
                handles.append(handle)  # one by one: those before a failure are removed too
                _PLACED.add(handle.id)
        yield
    finally:
        with PLACING:
            for handle in handles:
                handle.remove()
                _PLACED.discard(handle.id)


def without_hooks(module: nn.Module, copied: Callable[[nn.Module], nn.Module]) -> nn.Module:
    """`copied(module)` without the hooks that runs of other threads have on the module meanwhile: nobody would remove them
    from the copy. Hooks of the module's own stay."""
    with PLACING:
        copy = copied(module)
        for part in copy.modules():
            for hooks in (part._forward_hooks, part._forward_pre_hooks):
                for number in _PLACED & hooks.keys():
                    del hooks[number]
    return copy


def _hook(module: nn.Module, side: str, note: Callable[..., None]) -> RemovableHandle:
    """Shows `note` what enters (as it is, or a copy) or leaves a module at each call."""
    if side == "input":
        return module.register_forward_pre_hook(lambda _, args: note(*args[:1]))
    if side == "copied input":
        return module.register_forward_pre_hook(lambda _, args: note(args[0].clone()))
    return module.register_forward_hook(lambda _, __, output: note(output))


def run_rows(module: nn.Module, point: HookPoint, images: Tensor, units: Tensor, leak: float = 0.0) -> Tensor:
    """Unit `units[i]` of a site with rows for image i, (batch, position): no other unit is computed.

    Stops before the linear layer and multiplies each image's positions with its own unit's weights only. `leak` is
    added to the slope of the site's activation function and changes no value.
    """
    rows = point.rows
    assert rows is not None
    before = replace(point, module=rows.module, side="input", computed=False)
    entering = run(module, [before], images)[point.site]
    chosen = units.to(rows.weight.device)
    values = torch.bmm(entering, rows.weight[chosen].unsqueeze(2)).squeeze(2)
    if rows.bias is not None:
        values = values + rows.bias[chosen].unsqueeze(1)
    if rows.act is None:
        return values
    return rows.act(values) + leak * (values - values.detach()) if leak else rows.act(values)


def run_awake(module: nn.Module, point: HookPoint, images: Tensor, units: Tensor, leak: float) -> Tensor:
    """Unit `units[i]` of a site with an activation function for image i, (batch, position). Where a unit is silent all over
    its image, `leak` is added to the function's slope, and changes no value: it would never leave that state."""
    assert point.act is not None
    before = replace(point, site=f"{point.site} before", module=point.act, side="copied input", call=0)
    tensors = run(module, [point, before], images)
    values, entering = (chosen(tensors[each.site], units) for each in (point, before))
    silent = (values <= 0).all(1, keepdim=True)
    return values + leak * silent * (entering - entering.detach())


def chosen(values: Tensor, units: Tensor) -> Tensor:
    """Of (batch, position, unit), unit `units[i]` of image i: (batch, position)."""
    return values.gather(2, units.to(values.device).view(-1, 1, 1).expand(-1, values.shape[1], 1)).squeeze(2)


def check_units(site: str, units: Tensor, count: int, images: Tensor) -> None:
    """Raises BadRequest unless there is one unit for each image and every one of them exists. On another device than the
    CPU that is for the caller to know: to look at them would wait for the device, at every step."""
    if units.shape != images.shape[:1]:
        raise BadRequest(f"{len(images)} images need one unit each, but {units.numel()} units were given.")
    if units.device.type == "cpu":
        check_range(site, units, count)


def check_range(site: str, units: Tensor, count: int) -> None:
    """Raises BadRequest for a unit that the site does not have."""
    outside = units[(units < 0) | (units >= count)]
    if outside.numel():
        raise BadRequest(f"{site} has no unit {int(outside[0])}: its units are 0 to {count - 1}.")
