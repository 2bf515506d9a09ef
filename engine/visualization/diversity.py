"""Several different pictures of one unit: made together, and held apart by what else they do in the same layer.

After the diversity term of Olah, Mordvintsev and Schubert 2017. Theirs compares correlations of channels between
pictures; ours compares position means, so that it can be had at every site. Invariant: a group depends on its own unit
and seed alone, and the unit's plain picture is not touched.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from engine.models.loaded import LoadedModel
from engine.sites.grid import position_mean
from engine.visualization.activations import values_of
from engine.visualization.goals import Goal, Measure, suited_to
from engine.visualization.optimization.fast_gradients import module_for_gradients
from engine.visualization.optimization.optimize import PLAIN, Aim, Pictures, Run, maximize_batch
from engine.visualization.progress import as_bytes, rounded
from engine.visualization.recipe import Recipe
from engine.visualization.scoring.fresh import fresh_activations

PASS = 64  # pictures in one pass of the model, at most
STRENGTH = 1.0
"""What a picture loses, in shares of its group's mean activation, when it does the same as another picture."""


def different(
    model: LoadedModel, site: str, goal: Goal, several: int, recipe: Recipe, seed: int, run: Run = PLAIN
) -> Pictures:
    """`several` pictures that all maximize one goal, and differ. The curves are what is left of the activation once the
    likeness to the others is taken off."""
    module = module_for_gradients(model)

    def measure(copies: int) -> Measure:
        return lambda images, leak: held_apart(model, site, goal, images, several, module)

    names = [(goal.name, "variant", str(place)) for place in range(several)]
    suited = suited_to(goal, recipe, model, site)
    return maximize_batch(Aim(model, names, [goal.strength] * several, measure), suited, seed, run)


def variants_of(
    model: LoadedModel, site: str, goal: Goal, several: int, recipe: Recipe, seed: int, run: Run = PLAIN
) -> tuple[np.ndarray, pd.DataFrame]:
    """`several` different pictures for a goal, (several, H, W, 3) uint8, and what is known of each: columns unit (the goal's
    name), number, activation (see `fresh_activations`), likeness (mean correlation with the others)."""
    made = different(model, site, goal, several, recipe, seed, run).images
    seen = rounded(made)
    columns = {
        "unit": goal.name,
        "number": range(several),
        "activation": fresh_activations(model, site, [goal] * several, seen, seed).astype(np.float64),
        "likeness": likeness_of(model, site, seen).astype(np.float64),
    }
    return as_bytes(made), pd.DataFrame(columns)


def held_apart(
    model: LoadedModel, site: str, goal: Goal, images: Tensor, several: int, module: nn.Module | None = None
) -> Tensor:
    """(B,): activation of each image less its likeness to the other pictures; images in `several` equal parts."""
    values, grid = values_of(model, site, images, module), model.sites[site].grid
    activation = goal.measure(values, grid)
    each = position_mean(values, grid).unflatten(0, (several, -1)).mean(1)
    alike = likeness(each).clamp(min=0).sum(1) / max(1, several - 1)
    size = activation.detach().abs().mean()
    return activation - STRENGTH * size * alike.repeat_interleave(len(images) // several)


def likeness(features: Tensor) -> Tensor:
    """(pictures, units) -> (pictures, pictures): correlation over units; 0 of a picture with itself."""
    centred = features - features.mean(1, keepdim=True)
    unit = centred / centred.norm(dim=1, keepdim=True).clamp(min=1e-6)
    return (unit @ unit.T) * (1 - torch.eye(len(features), device=features.device))


def likeness_of(model: LoadedModel, site: str, images: np.ndarray) -> np.ndarray:
    """(pictures,): each picture's mean likeness to the others in this site; images (n, 3, H, W) float32 in [0, 1]."""
    with torch.no_grad():
        pictures = model.resize_to_input(torch.from_numpy(images).to(model.device))
        grid, parts = model.sites[site].grid, pictures.split(model.images_per_pass(PASS))
        alike = likeness(torch.cat([position_mean(values_of(model, site, part), grid) for part in parts]))
        return (alike.sum(1) / max(1, len(images) - 1)).cpu().numpy()
