"""Is a picture any good? Its activation under fresh augmentations, against what the unit does on real images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from engine.core.images import to_input
from engine.core.request import Context, Progress, Result
from engine.core.statistics import wilson
from engine.data.registry import open_dataset
from engine.models.loaded import LoadedModel
from engine.visualization.activations import values_of
from engine.visualization.goals import Goal, measure_of, measured, suited_to
from engine.visualization.optimization.augmentation import copies_of
from engine.visualization.optimization.seeding import Draws
from engine.visualization.recipes import PAPER

# Fresh augmentations, the same whatever the recipe: the paper's jitter and a fifth of its colour shift, new random numbers,
# no noise. Mild, because the paper's full shift (contrast up to e times, brightness up to 1) removes most of a real image's
# activation. The name is part of stored keys.
FRESH = PAPER.model_copy(update={"name": "yardstick", "copies": 16, "noise": "none", "colour_range": 0.2})
# A picture below the 95th percentile of the images is labelled as failed: it does not show what the unit responds to.
SUCCESS_PERCENTILE = 95.0
STRONGEST = 8
"""How many of a unit's strongest images are augmented like its picture, which is compared with the best of them."""


def fresh_activations(
    model: LoadedModel, site: str, goals: Sequence[Goal], images: np.ndarray, seed: int
) -> np.ndarray:
    """(pictures,): mean over 16 augmented copies, with random numbers that no recipe has used, of each unit's activation.

    images (pictures, 3, H, W) float32 in [0, 1], scaled to the model's input where they are larger; picture i is scored
    for `goals[i]`. One picture at a time, so that its number does not depend on the others. A goal that belongs to a
    place is scored with little jitter, one that matches an image on the picture as it is.
    """
    out = np.zeros(len(goals), np.float32)
    for row, (goal, image) in enumerate(zip(goals, images, strict=True)):
        picture = model.resize_to_input(torch.from_numpy(image)[None].to(model.device))
        with torch.no_grad():
            recipe = suited_to(goal, FRESH, model, site)
            draws = Draws(seed, [(goal.name, "fresh")], model.device)
            copies = copies_of(picture, recipe, draws, step=0).images[0] if goal.augmented else picture
            out[row] = measured(model, site, copies, [goal]).mean().item()
    return out


def on_strongest(
    model: LoadedModel,
    site: str,
    goals: Sequence[Goal],
    position_mean: np.ndarray,
    image: Callable[[int], np.ndarray],
    seed: int,
) -> np.ndarray:
    """(goals,): the most that any of a goal's strongest images makes of it under the augmentations of its picture.

    position_mean (images, goals): what every image does as it is; `image(row)` gives one of them, uint8 (H, W, 3). The
    picture is augmented, so the images are: their best moments, as they are, would be held against its mean.
    """
    best = np.zeros(len(goals), np.float32)
    for place, goal in enumerate(goals):
        rows = np.argsort(-position_mean[:, place], kind="stable")[:STRONGEST]
        shown = np.stack([to_input(image(int(row)), model.input_size) for row in rows])
        images = np.ascontiguousarray(shown.transpose(0, 3, 1, 2).astype(np.float32) / 255)
        best[place] = fresh_activations(model, site, [goal] * len(rows), images, seed).max()
    return best


def percentile_of(activations: np.ndarray, position_mean: np.ndarray) -> np.ndarray:
    """(pictures,): share of the images that activate the unit less, as they are, in percent."""
    return 100 * (position_mean < activations[None]).mean(axis=0)


def against_images(activations: np.ndarray, position_mean: np.ndarray, best: np.ndarray) -> pd.DataFrame:
    """Where each picture's activation stands among real images.

    activations (pictures,); position_mean (images, pictures): the same units on every image, as it is; best (pictures,):
    see `on_strongest`. Columns: `activation`; `percentile`; `ratio_to_best_scene`: activation over `best`, NaN where no
    image activates the unit; `beats_every_scene`: whether it is above `best`; `failed`: fewer than 95% of the images,
    as they are, activate the unit less.
    """
    best, percentile = best.astype(np.float64), percentile_of(activations, position_mean)
    ratio = np.divide(activations, best, out=np.full(len(best), np.nan), where=best > 0)
    return pd.DataFrame(
        {
            "activation": activations.astype(np.float64),
            "percentile": percentile,
            "ratio_to_best_scene": ratio,
            "beats_every_scene": activations > best,
            "failed": percentile < SUCCESS_PERCENTILE,
        }
    )


def importance_maps(model: LoadedModel, site: str, goals: Sequence[Goal], images: np.ndarray) -> np.ndarray:
    """(pictures, H, W) float32: length over colours of the gradient of what each picture is made for, in the picture as
    it is; the strongest pixel is 1, all 0 where there is no gradient. One picture at a time.

    images (pictures, 3, H, W) float32 in [0, 1]; picture i is measured for `goals[i]`.
    """
    maps = np.zeros((len(goals), *images.shape[2:]), np.float32)
    for row, (goal, image) in enumerate(zip(goals, images, strict=True)):
        picture = torch.from_numpy(image)[None].to(model.device).requires_grad_()
        value = measure_of(model, site, [goal], 1)(model.resize_to_input(picture), 0.0).sum()
        (gradient,) = torch.autograd.grad(value, picture)
        size = gradient[0].float().norm(dim=0)
        maps[row] = (size / size.max().clamp(min=1e-20)).cpu().numpy()
    return maps


BATCH_BYTES = 128 << 20  # of activations held at once


def on_images(
    model: LoadedModel, site: str, goals: Sequence[Goal], data: str, index: dict[str, np.ndarray], context: Context
) -> np.ndarray:
    """(images, goals) float32, in the order of the index's `images`; `index` is its arrays.

    Units, sums over means of positions and the closeness to a text follow from the index; what is tied to a place needs
    the images.
    """
    rest = [place for place, goal in enumerate(goals) if not goal.from_means]
    out = np.zeros((len(index["images"]), len(goals)), np.float32)
    means = index["position_mean"].astype(np.float32)
    for place, goal in enumerate(goals):
        if goal.from_means:
            out[:, place] = goal.of_means(means)
    if rest:
        out[:, rest] = _pass(model, site, [goals[place] for place in rest], data, context)
    return out


def _pass(model: LoadedModel, site: str, goals: Sequence[Goal], data: str, context: Context) -> np.ndarray:
    found = model.sites[site]
    dataset, rows = open_dataset(data), list[np.ndarray]()
    batch = model.images_per_pass(max(1, min(64, BATCH_BYTES // (found.grid.positions * found.units * 4))))
    for indices, pixels in dataset.batches(model.input_size, batch):
        images = torch.from_numpy(pixels).to(model.device).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            values = values_of(model, site, images)
            rows.append(torch.stack([goal.measure(values, found.grid) for goal in goals], 1).cpu().numpy())
        done = int(indices[-1]) + 1
        context.report(Progress(done, len(dataset), f"The targets on {done} of {len(dataset)} images"))
    return np.concatenate(rows)


def summary(result: Result) -> dict[str, Any]:
    """Numbers over the pictures of a result; NaN for what the result does not have.

    Keys: pictures; activation (mean); ratio (median of activation over that of the strongest image); beat (share of
    pictures above every image) with beat_low and beat_high (95% interval, Wilson); failed (share); spectrum (median
    distance); stability (mean), between (the same between units); seconds (for a picture).
    """
    table = result.tables["units"]
    beat, count = int(table["beats_every_scene"].sum()), len(table)
    low, high = wilson(beat, count)

    def middle(name: str, how: str = "median") -> float:
        return float(getattr(table[name], how)()) if name in table else math.nan

    return {
        "pictures": count,
        "activation": middle("activation", "mean"),
        "ratio": middle("ratio_to_best_scene"),
        "beat": beat / count,
        "beat_low": low,
        "beat_high": high,
        "failed": middle("failed", "mean"),
        "spectrum": middle("spectrum_distance"),
        "stability": middle("stability", "mean"),
        "between": float(result.facts.get("stability_between_units", math.nan)),
        "seconds": middle("seconds", "mean"),
    }
