"""Is a picture any good? Its activation under fresh augmentations, against what the unit does on real images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from engine.augment import copies_of
from engine.maximize import Wanted, measure_of, name_of, suited_to
from engine.models import LoadedModel
from engine.objectives import Match
from engine.randomness import generator
from engine.recipes import PAPER

# The same yardstick for every recipe: the paper's jitter and a fifth of its colour shift, new random numbers, no noise.
# Mild, because the scenes that a picture is compared with are not augmented at all: the paper's full shift (contrast up
# to e times, brightness up to 1) would take most of a scene's own activation away too.
YARDSTICK = PAPER.model_copy(update={"name": "yardstick", "copies": 16, "noise": "none", "colour_range": 0.2})
# A picture that beats fewer than 95 of 100 images is labelled as failed: it shows nothing that the unit looks for.
SUCCESS_PERCENTILE = 95.0


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


def against_images(activations: np.ndarray, position_mean: np.ndarray) -> pd.DataFrame:
    """Where each picture's activation stands among real images.

    activations (pictures,); position_mean (images, pictures): the same units on every image, not augmented. Columns:
    `activation`; `percentile`: share of images that activate the unit less, in percent; `ratio_to_best_scene`:
    activation over that of the strongest image, NaN where no image activates the unit; `beats_every_scene`; `failed`.
    """
    best = position_mean.max(axis=0).astype(np.float64)
    percentile = 100 * (position_mean < activations[None]).mean(axis=0)
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
