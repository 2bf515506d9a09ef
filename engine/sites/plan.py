"""The plan of a model: every site's point and how its positions lie on the image, worked out once for each image size.

Layouts are found by running the model, not by its name: shapes come from a blank image, the order of positions inside
windows from a coded one (engine/sites_windows.py), and a marked image must show up at its own place.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from engine.core.errors import BadRequest
from engine.core.precision import not_in_bfloat16
from engine.sites.cnn import cnn_points
from engine.sites.grid import Grid
from engine.sites.hooks import HookPoint, run
from engine.sites.transformers import transformer_points
from engine.sites.windows import Windowed, orders

FAMILIES = "vision transformers, MLP mixers and convolutional networks of timm and open_clip"
MOST_PREFIX = 16

_PLANNING = threading.Lock()
_PLANS: WeakKeyDictionary[nn.Module, dict[tuple, Plan]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Site:
    """A named tensor inside a model: how many units, how its positions lie, and where along the network it stands."""

    name: str
    units: int
    grid: Grid
    depth: int
    role: str
    block: str
    zero: bool = False
    """Whether its values are what an activation function gave that gives zero for zero, as ReLU and GELU do."""


@dataclass(frozen=True)
class Plan:
    """Taps and sites by name, in order of depth."""

    points: dict[str, HookPoint]
    sites: dict[str, Site]
    lost: tuple[str, ...] = ()
    """Tensors that would be sites, if it were known where in the image their positions lie."""


def plan(module: nn.Module, size: tuple[int, int]) -> Plan:
    """The plan of a model in eval mode for images of (height, width) pixels; worked out at the first call.

    Raises BadRequest where the model's structure is none that Vitrine knows, or it cannot take images of this size.
    """
    if module.training:
        raise ValueError("Put the model in eval mode first: the probe image would change its running statistics.")
    weight = next(module.parameters(), None)
    if weight is None:
        raise unknown(module)
    key = (size, weight.dtype, weight.device)
    with _PLANNING:
        plans = _PLANS.setdefault(module, {})
        if key not in plans:
            with torch.inference_mode(False), torch.no_grad():  # who asks may want gradients later
                plans[key] = _make(module, size)
        return plans[key]


def forget(module: nn.Module) -> None:
    """Let the next call work the module's plan out anew: to be called when parts of it were put in the place of others."""
    with _PLANNING:
        _PLANS.pop(module, None)


def unknown(module: nn.Module) -> BadRequest:
    """What to say of a model whose structure is not known."""
    return BadRequest(
        f"The architecture {type(module).__name__} is not supported: its layers cannot be located. Supported "
        f"are {FAMILIES}."
    )


def _make(module: nn.Module, size: tuple[int, int]) -> Plan:
    probe = blank(module, size)
    try:
        found = transformer_points(module, probe) or [Windowed(point) for point in cnn_points(module, probe)]
        if not found:
            raise unknown(module)
        if _has_classifier(module):
            found.append(Windowed(HookPoint("head.logits", "head.logits", "head", None)))
        elif getattr(module, "embeds", False):
            found.append(Windowed(HookPoint("head.embedding", "head.embedding", "head", None)))
        shapes = run(module, [part.point for part in found], probe, keep=lambda point, value: value.shape)
        inside = orders(module, found, shapes, probe)
    except (AssertionError, RuntimeError) as error:
        if (refusal := not_in_bfloat16(error)) is not None:
            raise refusal from error
        first = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise BadRequest(f"This model cannot take images of {size[0]} x {size[1]} pixels: {first}") from error
    prefixes = _prefixes(module)
    points: dict[str, HookPoint] = {}
    sites: dict[str, Site] = {}
    lost = tuple(site for site, order in inside.items() if order is None)
    for part in found:
        point = replace(part.point, order=inside.get(part.point.site))
        if point.site not in shapes or point.site in lost:
            continue
        grid, units = _layout(point, shapes[point.site], size, prefixes)
        if grid is not None:
            points[point.site] = point
            sites[point.site] = Site(
                point.site, units, grid, len(sites), point.role, point.block, _has_zero(point, probe)
            )
    if all(site.block == "head" for site in sites.values()):
        raise unknown(module)
    _check_places(module, points, sites, probe)
    return Plan(points, sites, lost)


def _has_zero(point: HookPoint, probe: Tensor) -> bool:
    """Whether the activation function behind a site, if there is one, is silent where nothing enters."""
    act = point.act if point.rows is None else point.rows.act
    return act is not None and bool((act(probe.new_zeros(1, 1, 1, 1)) == 0).all())


def blank(module: nn.Module, size: tuple[int, int], count: int = 1) -> Tensor:
    """Images (count, 3, height, width) of zeros, on the module's device and in its precision."""
    weight = next(module.parameters())
    return torch.zeros(count, 3, *size, device=weight.device, dtype=weight.dtype)


def fit(positions: int, size: tuple[int, int], prefixes: Iterable[int]) -> Grid | None:
    """The grid with the image's proportions that this many positions make, after one of these numbers of prefix tokens."""
    for prefix in prefixes:
        patches = positions - prefix
        height = round(math.sqrt(max(0, patches) * size[0] / size[1]))
        if height > 0 and patches % height == 0 and abs(height - size[0] * (patches // height) / size[1]) < 1:
            return Grid(height, patches // height, prefix)
    return None


def _layout(
    point: HookPoint, shape: Sequence[int], size: tuple[int, int], prefixes: list[int]
) -> tuple[Grid | None, int]:
    """(how the positions of a tapped tensor of this shape lie on the image, units); no grid where they do not."""
    units = shape[-1] if point.channels_last or len(shape) != 4 else shape[1]
    units = point.rows.weight.shape[0] if point.computed and point.rows else units
    if point.block == "head":
        return Grid(1, 1), units
    if point.order is not None:
        return fit(len(point.order), size, [0]), units
    if len(shape) == 4 and shape[0] == 1:
        height, width = shape[1:3] if point.channels_last else shape[2:4]
        # Maps keep the image's proportions; a tensor with channels in an unexpected place does not.
        return (Grid(height, width) if abs(height - size[0] * width / size[1]) < 2 else None), units
    grid = fit(shape[1], size, prefixes) if len(shape) == 3 and shape[0] == 1 else None
    # A single token is a lone class token: nothing that lies on the image.
    return (grid if grid and grid.height * grid.width > 1 else None), units


def _prefixes(module: nn.Module) -> list[int]:
    """Numbers of prefix tokens to try, the model's own first. Class attention joins late, so fewer must be tried too."""
    names = ("num_prefix_tokens", "num_tokens")
    own = [getattr(part, name, None) for part in module.modules() for name in names]
    return [*[number for number in own if isinstance(number, int)][:1], *range(MOST_PREFIX)]


def _check_places(module: nn.Module, points: dict[str, HookPoint], sites: dict[str, Site], probe: Tensor) -> None:
    """Two marked images must each change what enters the blocks most at the mark. Raises BadRequest where positions
    stand in another order than row by row (Hiera's do)."""
    first = next(iter(sites))
    grid, (height, width) = sites[first].grid, probe.shape[-2:]
    noise = torch.randn(probe.shape, generator=torch.Generator().manual_seed(0)).to(probe)
    images = noise.repeat(3, 1, 1, 1)
    places = [(0.25, 0.75), (0.75, 0.25)]
    tall, wide = max(height // 8, 1), max(width // 8, 1)
    for image, (row, column) in zip(images[1:], places, strict=True):
        top, left = int(row * height) - tall // 2, int(column * width) - wide // 2
        image[:, top : top + tall, left : left + wide] += 5
    values = run(module, [points[first]], images)[first][:, grid.prefix :].float()
    for change, (row, column) in zip((values[1:] - values[0]).square().sum(2), places, strict=True):
        strength = change.unflatten(0, (grid.height, grid.width))
        strength = strength / strength.sum().clamp(min=1e-20)
        rows = (torch.arange(grid.height, device=strength.device) + 0.5) / grid.height
        columns = (torch.arange(grid.width, device=strength.device) + 0.5) / grid.width
        seen = float((strength.sum(1) * rows).sum()), float((strength.sum(0) * columns).sum())
        if max(abs(seen[0] - row), abs(seen[1] - column)) > 0.15 + 0.5 / min(grid.height, grid.width):
            raise BadRequest(
                f"The architecture {type(module).__name__} is not supported: its positions are not in row order, so its "
                f"maps would be wrong. Supported are {FAMILIES}."
            )


def _has_classifier(module: nn.Module) -> bool:
    """A head with weights: headless backbones return pooled features, which are not logits."""
    if callable(ask := getattr(module, "get_classifier", None)):
        answer = ask()
        heads = [*answer] if isinstance(answer, tuple | list) else [answer]
    else:
        heads = [getattr(module, name, None) for name in ("fc", "classifier", "head")]
        heads += [part for part in [*module.children()][-1:] if isinstance(part, nn.Linear)]  # whatever it is called
    return any(isinstance(head, nn.Module) and any(True for _ in head.parameters()) for head in heads)
