"""Sites: the tensors inside a model, under the same names and in the same layout for every architecture.

A site's name says what it is, not what its author called the module: `blocks.5.mlp.hidden`,
`stages.2.blocks.1`, `head.logits`. Models are told apart by structure, never by name.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from engine.errors import BadRequest
from engine.layout import Grid
from engine.reading import Tap, check_units, run, run_rows
from engine.sites_cnn import blocks_of, cnn_taps, stages_of
from engine.sites_vit import is_vit, vit_taps

Found = TypeVar("Found")
FAMILIES = "plain ViTs (ViT, DeiT, DINOv2), ResNets, EfficientNets and ConvNeXts"


@dataclass(frozen=True)
class Site:
    """A named tensor inside a model: how many units, how its positions lie, and where along the network it stands."""

    name: str
    units: int
    grid: Grid
    depth: int
    role: str
    block: str


def discover(module: nn.Module, input_size: tuple[int, int]) -> dict[str, Site]:
    """The sites of a model in eval mode, in order of depth, for images of (height, width) pixels.

    Runs one blank image through the model. Raises BadRequest where the model's structure is none that
    Vitrine knows, or where it cannot take images of this size.
    """
    if module.training:
        raise ValueError("Put the model in eval mode first: the probe image would change its running statistics.")
    taps = _taps(module)
    weight = next(module.parameters())
    height, width = input_size
    probe = torch.zeros(1, 3, height, width, device=weight.device, dtype=weight.dtype)
    try:
        with torch.no_grad():
            shapes = run(module, [*taps.values()], probe, keep=lambda tap, value: (value.shape, tap.cut(value).shape))
    except (AssertionError, RuntimeError) as error:
        raise BadRequest(f"This model cannot take images of {height} x {width} pixels: {_first_line(error)}") from error
    sites: dict[str, Site] = {}
    for name, tap in taps.items():
        if name in shapes:
            raw, (_, positions, units) = shapes[name]
            grid = _grid(module, tap, raw, positions, input_size)
            sites[name] = Site(name, units, grid, len(sites), tap.role, tap.block)
    return sites


def read(module: nn.Module, sites: Sequence[str], images: Tensor) -> dict[str, Tensor]:
    """Activations of several sites in one pass that stops after the deepest of them.

    Images (batch, 3, height, width) are normalised already. Each site gives (batch, position, unit).
    Gradients flow to the images where they are enabled. Raises BadRequest for an unknown site.
    """
    taps = _taps(module)
    wanted = {name: find(taps, name) for name in sites}
    values = run(module, [*wanted.values()], images)
    for name in wanted:
        if name not in values:
            raise BadRequest(f"This model never computes {name} on its way from image to output.")
    return {name: values[name] for name in wanted}


def read_unit(module: nn.Module, site: str, images: Tensor, units: Tensor, leak: float = 0.0) -> Tensor:
    """Unit `units[i]` of the site for image i: (batch, position), the same values as `read` gives.

    Where the site is an activation of a linear layer, only the units asked for are computed, and `leak` is added to
    the slope of the activation function (for the gradient only), so that no unit is ever without one.
    Raises BadRequest for an unknown site or a unit out of range.
    """
    tap = find(_taps(module), site)
    if tap.rows is not None:
        check_units(site, units, tap.rows.count, images)
        return run_rows(module, tap, images, units, leak)
    values = read(module, [site], images)[site]
    check_units(site, units, values.shape[2], images)
    index = units.to(values.device).view(-1, 1, 1).expand(-1, values.shape[1], 1)
    return values.gather(2, index).squeeze(2)


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


def _taps(module: nn.Module) -> dict[str, Tap]:
    """Every site's tap in order of depth. Raises BadRequest for a structure that is not known."""
    if is_vit(module):
        taps = [*vit_taps(module)]
    elif (stages := stages_of(module)) and all(blocks_of(stage) for stage in stages):
        taps = [*cnn_taps(module)]
    else:
        kind = type(module).__name__
        raise BadRequest(f"Vitrine does not know where the layers of a {kind} are. It knows {FAMILIES}.")
    if _has_classifier(module):
        taps.append(Tap("head.logits", "head.logits", "head", None))
    return {tap.site: tap for tap in taps}


def _has_classifier(module: nn.Module) -> bool:
    """A head with weights: headless backbones return pooled features, which are not logits."""
    if callable(ask := getattr(module, "get_classifier", None)):
        answer = ask()
        heads = [*answer] if isinstance(answer, tuple | list) else [answer]
    else:
        heads = [getattr(module, name, None) for name in ("fc", "classifier", "head")]
    return any(isinstance(head, nn.Module) and any(True for _ in head.parameters()) for head in heads)


def _grid(module: nn.Module, tap: Tap, shape: Sequence[int], positions: int, input_size: tuple[int, int]) -> Grid:
    """How the positions of a tapped tensor of this shape lie on the image. Raises BadRequest where they do not."""
    if tap.role == "head.logits":
        return Grid(1, 1)
    if is_vit(module):
        prefix = int(getattr(module, "num_prefix_tokens", 0))
        grid = Grid(*_patches(module, input_size), prefix)
        fits = shape[0] == 1 and grid.positions == positions
    else:
        grid = Grid(*(shape[1:3] if tap.channels_last else shape[2:4])) if len(shape) == 4 else Grid(0, 0)
        # Maps keep the image's proportions; a tensor with channels in an unexpected place does not.
        fits = grid.width > 0 and abs(grid.height - input_size[0] * grid.width / input_size[1]) < 2
    if not fits:
        raise BadRequest(
            f"{tap.site} of this {type(module).__name__} is {tuple(shape)}, which does not lie on an image of "
            f"{input_size[0]} x {input_size[1]} pixels. Vitrine knows {FAMILIES}."
        )
    return grid


def _patches(module: nn.Module, input_size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of patches of a ViT for images of (height, width) pixels."""
    embed = module.get_submodule("patch_embed")
    if (ask := getattr(embed, "dynamic_feat_size", None)) is not None:
        return ask(input_size)
    size = getattr(embed, "patch_size", 16)
    rows, columns = size if isinstance(size, tuple | list) else (size, size)
    return input_size[0] // rows, input_size[1] // columns


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
