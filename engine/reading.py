"""Running a model only as far as asked, with hooks that tap tensors inside it.

Invariants: hooks are gone when a run ends, however it ends; a hook acts only for the thread that
placed it, so that threads can share one model; every tapped tensor leaves in the house's layout
(batch, position, unit).
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from engine.errors import BadRequest
from engine.layout import channels_to_positions

# Handles take their number from a counter that torch does not guard: two threads placing hooks on one
# module at the same moment could get the same number, and one hook would silently replace the other.
_PLACING = threading.Lock()


@dataclass(frozen=True)
class Rows:
    """A site that is `act(linear(x))`, unit by unit: the linear layer, its first row, how many, and the activation."""

    linear: nn.Linear | nn.Conv2d
    first: int
    count: int
    act: nn.Module | None = None


@dataclass(frozen=True)
class Tap:
    """Where a site's tensor is found: what enters or leaves `module` (None: what the whole model returns)."""

    site: str
    role: str
    block: str
    module: nn.Module | None
    side: Literal["input", "output"] = "output"
    channels_last: bool = True
    third: int | None = None  # of a fused query-key-value projection
    rows: Rows | None = None

    def cut(self, value: Tensor) -> Tensor:
        """The tapped tensor as (batch, position, unit)."""
        if value.ndim == 2:
            value = value.unsqueeze(1)
        elif value.ndim == 4:
            value = value.flatten(1, 2) if self.channels_last else channels_to_positions(value)
        return value if self.third is None else value.chunk(3, dim=-1)[self.third]


class _Reached(Exception):
    """Everything asked for has been seen: no need to run on."""


def run(
    module: nn.Module, taps: Sequence[Tap], images: Tensor, keep: Callable[[Tap, Tensor], Any] = Tap.cut
) -> dict[str, Any]:
    """One pass over images (batch, 3, height, width) that ends as soon as every tap has been seen.

    Returns what `keep` makes of each tapped tensor, by site; a tap that the pass never reaches is missing.
    """
    me = threading.get_ident()
    found: dict[str, Any] = {}
    ends_inside = all(tap.module is not None for tap in taps)

    def note(here: Sequence[Tap], value: Any = None) -> None:
        if threading.get_ident() != me or not isinstance(value, Tensor):
            return
        found.update({tap.site: keep(tap, value) for tap in here})
        if ends_inside and len(found) == len(taps):
            raise _Reached

    places: dict[tuple[nn.Module, str], list[Tap]] = defaultdict(list)
    for tap in taps:
        if tap.module is not None:
            places[tap.module, tap.side].append(tap)

    def place(module: nn.Module, side: str, here: list[Tap]) -> RemovableHandle:
        if side == "input":
            return module.register_forward_pre_hook(lambda _, args: note(here, *args[:1]))
        return module.register_forward_hook(lambda _, __, output: note(here, output))

    handles: list[RemovableHandle] = []
    try:
        with _PLACING:
            handles.extend(place(inner, side, here) for (inner, side), here in places.items())
        note([tap for tap in taps if tap.module is None], module(images))
    except _Reached:
        pass
    finally:
        with _PLACING:
            for handle in handles:
                handle.remove()
    return found


def run_rows(module: nn.Module, tap: Tap, images: Tensor, units: Tensor, leak: float = 0.0) -> Tensor:
    """Unit `units[i]` of a site with rows for image i, (batch, position): no other unit is computed.

    Stops before the linear layer and multiplies each image's positions with its own unit's weights only. `leak` is
    added to the slope of the site's activation function and changes no value.
    """
    rows = tap.rows
    assert rows is not None
    before = Tap(tap.site, tap.role, tap.block, rows.linear, "input", channels_last=tap.channels_last)
    entering = run(module, [before], images)[tap.site]
    chosen = rows.first + units.to(rows.linear.weight.device)
    weight = rows.linear.weight.flatten(1)[chosen]
    values = torch.bmm(entering, weight.unsqueeze(2)).squeeze(2)
    if rows.linear.bias is not None:
        values = values + rows.linear.bias[chosen].unsqueeze(1)
    if rows.act is None:
        return values
    return rows.act(values) + leak * (values - values.detach()) if leak else rows.act(values)


def check_units(site: str, units: Tensor, count: int, images: Tensor) -> None:
    """Raises BadRequest unless there is one unit for each image and every one of them exists."""
    if units.shape != images.shape[:1]:
        raise BadRequest(f"{len(images)} images need one unit each, but {units.numel()} units were given.")
    outside = units[(units < 0) | (units >= count)]
    if outside.numel():
        raise BadRequest(f"{site} has no unit {int(outside[0])}: its units are 0 to {count - 1}.")
