"""Is a picture any good? Its activation under fresh augmentations, against what the unit does on real images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch

from engine.augment import copies_of
from engine.images import to_input
from engine.maximize import Wanted, measure_of, name_of, suited_to
from engine.models import LoadedModel
from engine.objectives import Match
from engine.randomness import generator
from engine.recipes import PAPER

# The same yardstick for every recipe: the paper's jitter and a fifth of its colour shift, new random numbers, no noise.
# Mild: the paper's full shift (contrast up to e times, brightness up to 1) takes most of a real image's activation away.
YARDSTICK = PAPER.model_copy(update={"name": "yardstick", "copies": 16, "noise": "none", "colour_range": 0.2})
# A picture that beats fewer than 95 of 100 images is labelled as failed: it shows nothing that the unit looks for.
SUCCESS_PERCENTILE = 95.0
STRONGEST = 8
"""How many of a unit's strongest images are augmented like its picture; the best of them is what it has to beat."""


def fresh_activations(
    model: LoadedModel, site: str, units: Sequence[Wanted], images: np.ndarray, seed: int
) -> np.ndarray:
    """(pictures,): mean over 16 augmented copies, with random numbers that no recipe has used, of each unit's activation.

    images (pictures, 3, H, W) float32 in [0, 1], scaled to the model's input where they are larger; picture i is scored
    for `units[i]`. One picture at a time, so that its number does not depend on the others. A goal that belongs to a
    place is scored with little jitter, one that matches an image on the picture as it is.
    """
    out = np.zeros(len(units), np.float32)
    for row, (unit, image) in enumerate(zip(units, images, strict=True)):
        picture = model.resize_to_input(torch.from_numpy(image)[None].to(model.device))
        with torch.no_grad():
            yardstick = suited_to(unit, YARDSTICK, model, site)
            copies = copies_of(picture, yardstick, 0.0, [generator(seed, name_of(unit), "fresh")])[0]
            copies = picture if isinstance(unit, Match) else copies
            out[row] = measure_of(model, site, [unit], len(copies))(copies, 0.0).mean().item()
    return out


def on_strongest(
    model: LoadedModel,
    site: str,
    units: Sequence[Wanted],
    position_mean: np.ndarray,
    image: Callable[[int], np.ndarray],
    seed: int,
) -> np.ndarray:
    """(units,): the most that any of a unit's strongest images makes of it under the augmentations of its picture.

    position_mean (images, units): what every image does as it is; `image(row)` gives one of them, uint8 (H, W, 3). The
    picture is augmented, so the images are: their best moments, as they are, would be held against its mean.
    """
    best = np.zeros(len(units), np.float32)
    for place, unit in enumerate(units):
        rows = np.argsort(-position_mean[:, place], kind="stable")[:STRONGEST]
        shown = np.stack([to_input(image(int(row)), model.input_size) for row in rows])
        images = np.ascontiguousarray(shown.transpose(0, 3, 1, 2).astype(np.float32) / 255)
        best[place] = fresh_activations(model, site, [unit] * len(rows), images, seed).max()
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
