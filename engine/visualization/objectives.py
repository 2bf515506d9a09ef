"""Goals: targets made ready to be measured on a model's activations, with gradients.

Invariant: a goal's value for an image depends on that image's activations alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from engine.core.choices import DEFAULT_DATA
from engine.core.devices import autocast
from engine.core.errors import BadRequest
from engine.core.images import to_input
from engine.core.targets import Part, Target, parse_target
from engine.data import uploads
from engine.models.loaded import LoadedModel
from engine.models.text import EMBEDDING, scale, text_embedding
from engine.sites.access import Site, find, read, read_unit
from engine.sites.grid import Grid, spatial
from engine.sites.plan import plan


class Goal(ABC):
    """One target on one site. `name` is its text; `placed`: whether it matters where in the picture something is.

    `strength`: how much its value counts against a recipe's penalties, which are made for activations.
    """

    strength = 1.0

    def __init__(self, target: Target) -> None:
        self.name, self.placed = str(target), target.placed

    @abstractmethod
    def measure(self, values: Tensor) -> Tensor:
        """(images, position, unit), prefix tokens included -> (images,)."""


class UnitAtPosition(Goal):
    """One unit at one position, which `read_unit` computes alone."""

    def __init__(self, target: Target, unit: int, place: int) -> None:
        super().__init__(target)
        self.unit, self.place = unit, place

    def measure(self, values: Tensor) -> Tensor:
        return values[:, self.place, self.unit]


class Linear(Goal):
    """A sum over terms of (mean over positions, or one position) x (direction over units)."""

    def __init__(self, target: Target, terms: Sequence[tuple[int | None, Tensor]], grid: Grid) -> None:
        super().__init__(target)
        self.terms, self.grid = terms, grid

    def measure(self, values: Tensor) -> Tensor:
        total = values.new_zeros(len(values))
        for place, direction in self.terms:
            seen = spatial(values, self.grid).mean(1) if place is None else values[:, place]
            total = total + (seen * direction).sum(1)
        return total

    def of_means(self, position_mean: np.ndarray) -> np.ndarray:
        """The same from means over positions (images, unit): only for a goal that is not placed."""
        return sum(position_mean @ direction.cpu().numpy() for _, direction in self.terms)  # type: ignore[return-value]


class TextSimilarity(Goal):
    """Cosine of a picture's embedding and a text's; it counts as the logit that the model was trained to make of it."""

    def __init__(self, target: Target, words: Tensor, strength: float) -> None:
        super().__init__(target)
        self.words, self.strength = words, strength  # words (unit,) of length one

    def measure(self, values: Tensor) -> Tensor:
        return nn.functional.normalize(values.mean(1), dim=1) @ self.words

    def of_means(self, position_mean: np.ndarray) -> np.ndarray:
        """The same from an embedding's means over its one position (images, unit)."""
        return self.measure(torch.from_numpy(position_mean)[:, None].to(self.words.device)).cpu().numpy()


class FeatureInversion(Goal):
    """Minus the distance to an image's activations: the L2 norm over all positions (prefix tokens too) and units.

    As in the authors' code (it16/reconstruct.py; not in the paper's text).
    """

    def __init__(self, target: Target, reference: Tensor) -> None:
        super().__init__(target)
        self.reference = reference

    def measure(self, values: Tensor) -> Tensor:
        return -((values - self.reference).square().sum((1, 2)) + 1e-12).sqrt()


class Caricature(Goal):
    """Dot product with an image's activations, over that image's own: 1 is as strong as in the image itself."""

    def __init__(self, target: Target, reference: Tensor) -> None:
        super().__init__(target)
        self.reference = reference / reference.square().sum().clamp(min=1e-12)

    def measure(self, values: Tensor) -> Tensor:
        return (values * self.reference).sum((1, 2))


def check(model: LoadedModel, site: str, text: str, data: str = DEFAULT_DATA) -> None:
    """Raises VitrineError where the site has no such unit, head or position, or where the vector or image that the
    target names is not here. Runs no model."""
    target, place = parse_target(text), find(model.sites, site)
    if target.text:
        _check_text(model, site)
    if target.whole:
        uploads.image_of(target.image, data)
    for term in target.terms:
        _place(place, term.part)
        _direction(model, place, term.part)


def goal(model: LoadedModel, site: str, text: str, data: str = DEFAULT_DATA) -> Goal:
    """The goal of a target's text. Raises VitrineError as `check` does."""
    check(model, site, text, data)
    target, place = parse_target(text), find(model.sites, site)
    if target.whole:
        reference = activations(model, site, uploads.image_of(target.image, data))
        return FeatureInversion(target, reference) if target.whole == "match" else Caricature(target, reference)
    if target.text:
        words = torch.from_numpy(text_embedding(model, [target.text])[0]).to(model.device)
        return TextSimilarity(target, words, scale(model))
    places = [_place(place, term.part) for term in target.terms]
    part = target.alone
    if part is not None and part.kind == "unit" and places[0] is not None:
        return UnitAtPosition(target, part.number, places[0])
    directions = [term.weight * _direction(model, place, term.part) for term in target.terms]
    return Linear(target, [*zip(places, directions, strict=True)], place.grid)


def activations(model: LoadedModel, site: str, image: np.ndarray) -> Tensor:
    """(1, position, unit) float32: a site's activations of one image of any size, uint8 (height, width, 3)."""
    pixels = torch.from_numpy(to_input(image, model.input_size).copy()).to(model.device)
    images = pixels.permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        return values_of(model, site, images).clone()


def values_of(model: LoadedModel, site: str, images: Tensor, module: nn.Module | None = None) -> Tensor:
    """(B, position, unit) float32 of images (B, 3, H, W) around [0, 1]; `module` stands in for the model's own."""
    module = module or model.module
    dtype = next(module.parameters()).dtype
    with autocast(model.device) if dtype == torch.float32 else nullcontext():
        return read(module, [site], model.normalize(images).to(dtype))[site].float()


def measured(
    model: LoadedModel,
    site: str,
    images: Tensor,
    goals: Sequence[Goal],
    module: nn.Module | None = None,
    leak: float = 0.0,
) -> Tensor:
    """(B,): goals measured on images (B, 3, H, W) around [0, 1]; each goal has B / len(goals) images in a row."""
    module = module or model.module
    each = len(images) // len(goals)
    single = [goal for goal in goals if isinstance(goal, UnitAtPosition)]
    if len(single) == len(goals):
        dtype = next(module.parameters()).dtype
        units = torch.tensor([goal.unit for goal in single], device=images.device).repeat_interleave(each)
        with autocast(model.device) if dtype == torch.float32 else nullcontext():
            rows = read_unit(module, site, model.normalize(images).to(dtype), units, leak).float()
        return torch.cat([part[:, goal.place] for goal, part in zip(single, rows.split(each), strict=True)])
    values = values_of(model, site, images, module)
    return torch.cat([goal.measure(part) for goal, part in zip(goals, values.split(each), strict=True)])


def heads_of(model: LoadedModel, site: Site) -> int:
    """How many attention heads a site's units are split into; 0 where they are not split into heads."""
    if not site.role.startswith("attn.") or site.role == "attn.out":
        return 0  # attention's output has passed its last projection, which mixes the heads
    rows = plan(model.module, model.input_size).points[site.name].rows
    if rows is None:
        return 0
    holders = (part for part in model.module.modules() if part is rows.module or rows.module in [*part.children()])
    found = (getattr(part, "num_heads", None) for part in holders)
    heads = next((number for number in found if isinstance(number, int)), 0)
    return heads if heads > 0 and site.units % heads == 0 else 0


def _check_text(model: LoadedModel, site: str) -> None:
    if model.clip is None:
        raise BadRequest(f"{model.name} has no text tower, so no picture can be made for a text. Choose a CLIP.")
    if site != EMBEDDING:
        raise BadRequest(f"A text is compared with whole pictures: choose the layer {EMBEDDING}, not {site}.")


def _place(site: Site, part: Part) -> int | None:
    if part.position is None:
        return None
    row, column = part.position
    if row >= site.grid.height or column >= site.grid.width:
        raise BadRequest(
            f"{site.name} has {site.grid.height} x {site.grid.width} positions, counted from 0; there is no {row}x{column}."
        )
    return site.grid.prefix + row * site.grid.width + column


def _direction(model: LoadedModel, site: Site, part: Part) -> Tensor:
    """(unit,) float32: one for a unit, the mean for a head, the vector at length 1 for a direction."""
    out = torch.zeros(site.units, device=model.device)
    if part.kind == "unit":
        if part.number >= site.units:
            raise BadRequest(
                f"{model.name}@{site.name} has units 0 to {site.units - 1}; there is no unit {part.number}."
            )
        out[part.number] = 1.0
    elif part.kind == "head":
        heads = heads_of(model, site)
        if not heads:
            raise BadRequest(
                f"{site.name} is not split into attention heads. Take a query, key or value of an attention."
            )
        if part.number >= heads:
            raise BadRequest(f"{site.name} has heads 0 to {heads - 1}; there is no head {part.number}.")
        width = site.units // heads
        out[part.number * width : (part.number + 1) * width] = 1 / width
    else:
        vector = torch.from_numpy(uploads.vector(part.digest)).to(model.device)
        if len(vector) != site.units:
            raise BadRequest(
                f"The direction {part.digest} has {len(vector)} numbers, but {site.name} has {site.units} units."
            )
        out = vector / vector.norm()
    return out
