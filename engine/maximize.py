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

import numpy as np
import torch
from torch import Tensor, nn

from engine.augment import copies_of, total_variation
from engine.devices import autocast, halve_on_oom
from engine.layout import position_mean
from engine.models import LoadedModel
from engine.parameterize import parameterize
from engine.randomness import generator
from engine.recipes import Recipe
from engine.sites import read_unit
from engine.twin import module_for_gradients

# Rows of a batch (pictures x copies) that fill a device. One picture's copies fill a CPU; more would only leave its cache.
ROWS = {"cpu": 1, "cuda": 256, "mps": 64}

Watch = Callable[[int, Tensor, float], None]
"""Called after each step with (steps done of this batch, images so far (n, 3, H, W), mean objective)."""


@dataclass(frozen=True)
class Pictures:
    """images (n, 3, H, W) float32 in [0, 1]; curves (n, steps): mean activation over the copies at each step."""

    images: np.ndarray
    curves: np.ndarray


def pictures_at_once(recipe: Recipe, device: torch.device) -> int:
    """How many pictures make one batch: a function of recipe and device alone, never of how many are asked for."""
    return max(1, ROWS[device.type] // recipe.copies)


def batches_of(units: Sequence[int], size: int) -> Iterator[list[int]]:
    """Batches of exactly `size` units; the last is filled up with its own last unit."""
    for start in range(0, len(units), size):
        part = list(units[start : start + size])
        yield part + [part[-1]] * (size - len(part))


def maximize(
    model: LoadedModel,
    site: str,
    units: Sequence[int],
    recipe: Recipe,
    seed: int,
    direction: int = 1,
    watch: Watch | None = None,
) -> Pictures:
    """Pictures that maximize (direction 1) or minimize (-1) units of a site. Raises BadRequest for unknown ones.

    The watcher may raise to stop; nothing is left behind in the model.
    """
    module = module_for_gradients(model)

    def at_size(size: int) -> list[Pictures]:
        batches = batches_of(units, size)
        return [_maximize_batch(model, module, site, batch, recipe, seed, direction, watch) for batch in batches]

    done = halve_on_oom(at_size, pictures_at_once(recipe, model.device))
    count = len(units)
    return Pictures(
        np.concatenate([part.images for part in done])[:count], np.concatenate([part.curves for part in done])[:count]
    )


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


def noise_at(recipe: Recipe, step: int) -> float:
    """Standard deviation of the noise at a step: from `noise_start` linearly down to zero."""
    return recipe.noise_start * max(0, recipe.steps - 2 - step) / recipe.steps


def rate_at(recipe: Recipe, step: int) -> float:
    """Learning rate at a step: a cosine that would reach zero one step after the last."""
    return recipe.rate * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))


def leak_at(recipe: Recipe, step: int) -> float:
    """Addition to the slope of the unit's activation function: from `leak` linearly down to zero at `leak_until`."""
    return recipe.leak * max(0.0, 1 - step / (recipe.leak_until * recipe.steps)) if recipe.leak else 0.0


def _maximize_batch(
    model: LoadedModel,
    module: nn.Module,
    site: str,
    units: Sequence[int],
    recipe: Recipe,
    seed: int,
    direction: int,
    watch: Watch | None,
) -> Pictures:
    generators = [generator(seed, unit) for unit in units]
    pictures = parameterize(recipe.parameterization, generators, model.input_size, model.device)
    optimizer = torch.optim.Adam([pictures.leaf], lr=recipe.rate, betas=recipe.betas)
    chosen = torch.tensor(units, device=model.device).repeat_interleave(recipe.copies)
    curves = np.zeros((len(units), recipe.steps), np.float32)
    for step in range(recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(recipe, step)
        copies = copies_of(pictures.images(), recipe, noise_at(recipe, step), generators)
        # The way down needs no leak: there GELU's own slope leads to its lowest point, and a leak would lead past it.
        leak = leak_at(recipe, step) if direction > 0 else 0.0
        each = activation_of(model, site, copies.flatten(0, 1), chosen, module, leak)
        activation = each.unflatten(0, (len(units), -1)).mean(1)
        loss = -direction * activation
        if recipe.total_variation:
            loss = loss + recipe.total_variation * total_variation(copies)
        (pictures.leaf.grad,) = torch.autograd.grad(loss.sum(), pictures.leaf)
        optimizer.step()
        pictures.after_step()
        curves[:, step] = activation.detach().cpu().numpy()
        if watch is not None:
            watch(step + 1, pictures.images().detach(), float(curves[:, step].mean()))
    return Pictures(pictures.images().detach().float().cpu().numpy(), curves)
