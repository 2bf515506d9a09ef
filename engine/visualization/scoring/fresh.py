"""What pictures and images do under fresh augmentations: the same for both, with random numbers that no recipe has used.

Invariant: a number belongs to its picture or image, goal and seed alone, whatever else is measured with it: batches have
fixed sizes, and what depends on the company is filled up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from engine.models.loaded import LoadedModel
from engine.sites.access import find
from engine.sites.grid import position_mean
from engine.visualization.activations import values_of
from engine.visualization.goals import Goal, measured, suited_to
from engine.visualization.optimization.augmentation import copies_of
from engine.visualization.optimization.seeding import Draws
from engine.visualization.recipes import PAPER

# The paper's jitter, as the same share of the picture on every input, and a fifth of its colour shift, without noise: mild,
# since the full colour shift (contrast up to e times, brightness up to 1) removes most of a real image's activation.
FRESH = PAPER.model_copy(
    update={
        "name": "yardstick",
        "copies": 16,
        "noise": "none",
        "noise_start": 0.0,
        "noise_end": 0.0,
        "colour_range": 0.2,
        "made_for": 384,
    }
)
BATCH = {"cpu": 16}
LARGEST_BATCH = 64
BATCH_BYTES = 128 << 20  # of activations held at once


def fresh_copies(
    model: LoadedModel,
    site: str,
    goals: Sequence[Goal],
    images: np.ndarray,
    seed: int,
    tell: Callable[[], None] = lambda: None,
) -> np.ndarray:
    """(pictures, 16): each picture's activation of its goal in each of its augmented copies.

    images (pictures, 3, H, W) float32 in [0, 1], scaled to the model's input where they are larger; picture i is measured
    for `goals[i]`. A goal that belongs to a place has little jitter; one that matches an image sees the picture as it is.
    `tell` is called before each picture, and may raise to stop.
    """
    out = np.zeros((len(goals), FRESH.copies))
    for row, (goal, image) in enumerate(zip(goals, images, strict=True)):
        tell()
        picture = model.resize_to_input(torch.from_numpy(image)[None].to(model.device))
        with torch.no_grad():
            recipe = suited_to(goal, FRESH, model, site)
            draws = Draws(seed, [(goal.name, "fresh")], model.device)
            copies = copies_of(picture, recipe, draws, step=0).images[0] if goal.augmented else picture
            out[row] = measured(model, site, copies, [goal]).cpu().numpy()
    return out


def fresh_activations(
    model: LoadedModel, site: str, goals: Sequence[Goal], images: np.ndarray, seed: int
) -> np.ndarray:
    """(pictures,): the mean of `fresh_copies`, which is what counts as a picture's activation."""
    return fresh_copies(model, site, goals, images, seed).mean(1)


def as_they_are(model: LoadedModel, site: str, goals: Sequence[Goal], images: np.ndarray) -> np.ndarray:
    """(pictures,): each picture's activation of its goal without any augmentation; images as in `fresh_copies`."""
    out = np.zeros(len(goals))
    for row, (goal, image) in enumerate(zip(goals, images, strict=True)):
        with torch.no_grad():
            picture = model.resize_to_input(torch.from_numpy(image)[None].to(model.device))
            out[row] = measured(model, site, picture, [goal]).item()
    return out


def batch_of(model: LoadedModel, site: str) -> int:
    """How many images pass at once where all units of a site are read: a power of two, the same at every call."""
    place = find(model.sites, site)
    most = min(BATCH.get(model.device.type, LARGEST_BATCH), BATCH_BYTES // (place.grid.positions * place.units * 4))
    return 1 << (max(1, model.images_per_pass(max(1, most))).bit_length() - 1)


def on_all(model: LoadedModel, site: str, goals: Sequence[Goal], images: Tensor) -> np.ndarray:
    """(B, goals): every goal on every image (B, 3, H, W) around [0, 1], from one pass through the model."""
    grid = find(model.sites, site).grid
    with torch.no_grad():
        values = values_of(model, site, images)
        if all(goal.from_means for goal in goals):
            means = position_mean(values, grid).float().cpu().numpy()
            return np.stack([goal.of_means(means) for goal in goals], 1).astype(np.float64)
        return torch.stack([goal.measure(values, grid) for goal in goals], 1).double().cpu().numpy()
