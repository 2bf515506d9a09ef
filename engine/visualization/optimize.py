"""Activation maximization: pictures of many units in one batch, none of which depends on another.

What makes them independent: own random numbers, a loss that is a plain sum over pictures (so each gradient is its
own), an optimizer that works element by element, and batches of one fixed geometry (a last, smaller batch is filled
up), so that the arithmetic of a picture never changes with its company.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from engine.core.devices import autocast
from engine.core.errors import BadRequest
from engine.core.images import to_input
from engine.core.seeding import generator
from engine.models.loaded import LoadedModel
from engine.sites.access import find, read_unit
from engine.sites.grid import position_mean
from engine.sites.hooks import check_range
from engine.visualization.augmentation import copies_of, total_variation
from engine.visualization.batch_size import with_fitting_batch
from engine.visualization.fast_gradients import module_for_gradients
from engine.visualization.objectives import Goal, UnitAtPosition, measured
from engine.visualization.parameterization import parameterize
from engine.visualization.recipes import Recipe

Wanted: TypeAlias = int | Goal
"""What a picture is made for: a unit by its number, or a goal (see `engine.visualization.objectives`)."""

Measure: TypeAlias = Callable[[Tensor, float], Tensor]
"""(images, leak) -> (images,): how much each image is what is wanted."""

Apart: TypeAlias = Callable[[nn.Module], Measure]
"""Given the module to differentiate: a measure that holds a batch's pictures apart."""

Watch = Callable[[int, Callable[[], Tensor], Tensor], None]
"""Called after each step with (steps done of this batch, what gives the images so far (n, 3, H, W), the mean activation
at each of those steps). Both are on the device, which is still at work on them: whoever reads them waits for it."""


Done = Callable[[Sequence[int], "Pictures"], None]
"""Called after each batch with (places of its pictures among those asked for, the pictures)."""


@dataclass(frozen=True)
class Pictures:
    """images (n, 3, H, W) float32 in [0, 1]; curves (n, steps): mean activation over the copies at each step."""

    images: np.ndarray
    curves: np.ndarray


def batches_of(units: Sequence[Wanted], size: int) -> Iterator[list[Wanted]]:
    """Batches of exactly `size` units; the last is filled up with its own last unit."""
    for start in range(0, len(units), size):
        part = list(units[start : start + size])
        yield part + [part[-1]] * (size - len(part))


def maximize(
    model: LoadedModel,
    site: str,
    units: Sequence[Wanted],
    recipe: Recipe,
    seed: int,
    direction: int = 1,
    watch: Watch | None = None,
    start: np.ndarray | None = None,
    done: Done | None = None,
) -> Pictures:
    """Pictures that maximize (direction 1) or minimize (-1) units or goals of a site. Raises BadRequest for unknown ones.

    `start`: an image, uint8 (height, width, 3), that every picture begins as, instead of noise. The watcher may raise to
    stop; nothing is left behind in the model.
    """
    module = module_for_gradients(model)
    images, curves = np.empty(0, np.float32), np.empty((len(units), recipe.steps), np.float32)
    same_size(units, recipe, model, site)
    for places in alike(units):
        suited = suited_to(units[places[0]], recipe, model, site)
        group = [units[place] for place in places]

        def at_size(
            size: int, places: list[int] = places, group: list[Wanted] = group, suited: Recipe = suited
        ) -> None:
            nonlocal images
            for number, batch in enumerate(batches_of(group, size)):
                part = maximize_batch(model, module, site, batch, suited, seed, direction, watch, start)
                rows = places[number * size : (number + 1) * size]
                if not images.size:  # one place for all pictures, filled as they come: no second copy of many
                    images = np.empty((len(units), *part.images.shape[1:]), np.float32)
                images[rows], curves[rows] = part.images[: len(rows)], part.curves[: len(rows)]
                if done is not None:
                    done(rows, Pictures(images[rows], curves[rows]))

        with_fitting_batch(suited, model, site, at_size)
    return Pictures(images, curves)


def same_size(units: Sequence[Wanted], recipe: Recipe, model: LoadedModel, site: str) -> None:
    """Raises BadRequest where the pictures of these units or goals would not all have one size."""
    if len({suited_to(units[places[0]], recipe, model, site).canvas for places in alike(units)}) > 1:
        raise BadRequest(f"“{recipe.name}” makes smaller pictures of targets at a place: ask for those by themselves.")


def alike(units: Sequence[Wanted]) -> list[list[int]]:
    """The places of what is measured in the same way and may share a batch: plain units, units at a position, others."""
    groups: dict[tuple[bool, bool, bool], list[int]] = {}
    for place, wanted in enumerate(units):
        plain = isinstance(wanted, int)
        key = (plain, isinstance(wanted, UnitAtPosition), not plain and wanted.placed)
        groups.setdefault(key, []).append(place)
    return [*groups.values()]


def suited_to(wanted: Wanted, recipe: Recipe, model: LoadedModel, site: str) -> Recipe:
    """The recipe as it is, but for two kinds of targets. A site with one value for the whole image has a finish of its
    own. Where it matters where something is, the copies show the whole picture, in place, with a jitter of at most a
    quarter of a position."""
    grid = find(model.sites, site).grid
    if recipe.finish_whole is not None and grid.height * grid.width == 1:
        recipe = recipe.model_copy(update={"finish": recipe.finish_whole})
    if isinstance(wanted, int) or not wanted.placed:
        return recipe
    quarter = min(model.input_size[0] // grid.height, model.input_size[1] // grid.width) // 4
    return recipe.model_copy(update={"jitter": min(recipe.jitter, quarter), "view": None, "canvas": 1.0})


def name_of(wanted: Wanted) -> int | str:
    """What a picture's random numbers are named after."""
    return wanted if isinstance(wanted, int) else wanted.name


def activation_of(
    model: LoadedModel, site: str, images: Tensor, units: Tensor, module: nn.Module | None = None, leak: float = 0.0
) -> Tensor:
    """(B,): mean over image positions of unit `units[i]` for image i; images (B, 3, H, W) around [0, 1].

    `module` stands in for the model's own; `leak` as in `read_unit`.
    """
    module = module or model.module
    dtype = next(module.parameters()).dtype
    with autocast(model.device) if dtype == torch.float32 else nullcontext():
        values = read_unit(module, site, model.normalize(images).to(dtype), units, leak)
    return position_mean(values.float(), model.sites[site].grid)


def measure_of(
    model: LoadedModel, site: str, units: Sequence[Wanted], copies: int, module: nn.Module | None = None
) -> Measure:
    """What measures (images, leak) -> (images,), for `copies` images in a row of each of `units`, which are all alike."""
    if all(isinstance(unit, int) for unit in units):
        numbers = torch.tensor(units).repeat_interleave(copies)
        check_range(site, numbers, find(model.sites, site).units)
        chosen = numbers.to(model.device)
        return lambda images, leak: activation_of(model, site, images, chosen, module, leak)
    goals = [unit for unit in units if not isinstance(unit, int)]
    return lambda images, leak: measured(model, site, images, goals, module, leak)


def noise_at(recipe: Recipe, step: int) -> float:
    """Standard deviation of the noise at a step: from `noise_start` linearly down to zero."""
    return recipe.noise_start * max(0, recipe.steps - 2 - step) / recipe.steps


def finish_from(recipe: Recipe) -> int:
    """The first step at which the pictures are pixels; where there is no finish, one that never comes."""
    return recipe.steps if recipe.finish is None else max(1, round(recipe.finish.after * recipe.steps))


def rate_at(recipe: Recipe, step: int) -> float:
    """Learning rate at a step: a cosine that would reach zero one step after the last, or always the same."""
    finish = recipe.finish if step >= finish_from(recipe) else None
    rate = recipe.rate if finish is None else finish.rate
    if recipe.schedule == "constant":
        return rate
    return rate * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))


def leak_at(recipe: Recipe, step: int) -> float:
    """Addition to the slope of the unit's activation function: from `leak` linearly down to zero at `leak_until`."""
    return recipe.leak * max(0.0, 1 - step / (recipe.leak_until * recipe.steps)) if recipe.leak else 0.0


def maximize_batch(
    model: LoadedModel,
    module: nn.Module,
    site: str,
    units: Sequence[Wanted],
    recipe: Recipe,
    seed: int,
    direction: int,
    watch: Watch | None,
    start: np.ndarray | None = None,
    apart: Apart | None = None,
) -> Pictures:
    """One batch, of `units` that are measured alike; with `apart` all are the same one, each with random numbers of its own."""
    variants = [("variant", place) for place in range(len(units))] if apart else [()] * len(units)
    generators = [generator(seed, name_of(unit), *which) for unit, which in zip(units, variants, strict=True)]
    height, width = model.input_size
    size = (round(recipe.canvas * height), round(recipe.canvas * width))
    pictures = parameterize(recipe.parameterization, generators, size, model.device)
    if start is not None:
        begin = torch.from_numpy(to_input(start, size).copy()).to(model.device)
        pictures.begin(begin.permute(2, 0, 1).float() / 255)
    method = {"adam": torch.optim.Adam, "nadam": torch.optim.NAdam}[recipe.optimizer]
    optimizer = method([pictures.leaf], lr=recipe.rate, betas=recipe.betas)
    measure = measure_of(model, site, units, recipe.copies, module) if apart is None else apart(module)
    strengths = torch.tensor([1.0 if isinstance(unit, int) else unit.strength for unit in units], device=model.device)
    curves = torch.zeros(len(units), recipe.steps, device=model.device)
    smoothing = recipe.total_variation
    for step in range(recipe.steps):
        if recipe.finish is not None and step == finish_from(recipe):
            pictures, smoothing = pictures.as_pixels(), recipe.finish.total_variation
            optimizer = method([pictures.leaf], lr=recipe.finish.rate, betas=recipe.betas)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(recipe, step)
        done = step / max(1, recipe.steps - 1)
        copies = copies_of(pictures.images(), recipe, noise_at(recipe, step), generators, model.input_size, done)
        # The way down needs no leak: there GELU's own slope leads to its lowest point, and a leak would lead past it.
        leak = leak_at(recipe, step) if direction > 0 else 0.0
        each = measure(copies.flatten(0, 1), leak)
        activation = each.unflatten(0, (len(units), -1)).mean(1)
        loss = -direction * strengths * activation
        if smoothing:
            size = loss.detach().abs() if recipe.total_variation_relative else 1.0
            loss = loss + smoothing * size * total_variation(copies)
        (pictures.leaf.grad,) = torch.autograd.grad(loss.sum(), pictures.leaf)
        optimizer.step()
        pictures.after_step()
        curves[:, step] = activation.detach()
        if watch is not None:
            watch(step + 1, lambda pictures=pictures: pictures.images().detach(), curves[:, : step + 1].mean(0))
    return Pictures(pictures.images().detach().float().cpu().numpy(), curves.cpu().numpy())
