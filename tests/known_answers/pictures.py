"""Pictures: a unit whose answer to every image is known, planted pictures that are so many times stronger than the best of 120
images, and noise that is no picture.

The unit measures edges: the mean fourth power of differences between neighbours, in a circle. A shift or a change of
brightness leaves it as it is, a change of contrast multiplies it, by a factor that is drawn for each colour. Pictures are red
and images blue, so that the ratio of two is known on average, and differs from draw to draw. Edges that stand apart are worth
more than noise of the same spectrum, whose differences are normal.
"""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from engine.models.loaded import LoadedModel
from engine.visualization.goals import Unit
from engine.visualization.optimization.seeding import Draws
from engine.visualization.scoring.controls import controls_of, scrambled
from engine.visualization.scoring.fresh import as_they_are, fresh_copies, on_all
from engine.visualization.scoring.strongest import Images, strongest
from engine.visualization.scoring.table import scored
from tests.engine.small import wrapped
from tests.known_answers.planted import Measured, Planted

SIDE, IMAGES, SITE, GOALS = 16, 120, "stages.1.blocks.0", [Unit(0)]
BEST = 128 / 255
"""Contrast of the strongest image; the others lie below 0.9 of it."""
RATIO = 2.5
POWER = 4
"""Of the unit: twice the contrast, sixteen times the activation."""


class Stage(nn.Module):
    """What a network's stage has to be made of; the convolution does nothing."""

    def __init__(self, edges: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(edges)])

    def forward(self, maps: Tensor) -> Tensor:
        return self.blocks[0](maps)


class Block(nn.Module):
    def __init__(self, edges: bool) -> None:
        super().__init__()
        self.unused, self.edges = nn.Conv2d(1, 1, 1), edges

    def forward(self, maps: Tensor) -> Tensor:
        colours = maps * 0.5 + 0.5
        return (colours - colours.roll(1, -1)).pow(POWER).sum(1, keepdim=True) * 1e3 if self.edges else maps * 1.0


class Edges(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList([Stage(False), Stage(True)])

    def forward(self, images: Tensor) -> Tensor:
        for stage in self.stages:
            images = stage(images)
        return images


@functools.cache
def model() -> LoadedModel:
    return wrapped("edges", Edges(), (SIDE, SIDE))


def edges(contrast: float, where: int = 0, colour: int = 0) -> np.ndarray:
    """(3, H, W): one column that is bright in one colour."""
    image = np.zeros((3, SIDE, SIDE), np.float32)
    image[colour, :, where % SIDE] = contrast
    return image


def photographs(random: np.random.Generator, best: float = BEST) -> Images:
    """Images of one edge each, of random contrasts, and what the unit makes of them."""
    contrasts = np.append(best, random.uniform(0, 0.9 * best, IMAGES - 1))
    floats = np.stack([edges(float(contrast), place, 2) for place, contrast in enumerate(contrasts)])
    shown = (floats * 255).round().astype(np.uint8)
    values = on_all(model(), SITE, GOALS, torch.from_numpy(shown.astype(np.float32) / 255))
    return Images(values, np.arange(IMAGES), shown.transpose(0, 2, 3, 1).__getitem__)


def close_images(random: np.random.Generator) -> tuple[Images, np.ndarray]:
    """120 images many of which lie near the strongest, each in colours of its own, so that an augmentation is lucky for some of
    them; and what the unit makes of each on average over augmentations, over that of the strongest."""
    strengths = np.sort(random.lognormal(0, 0.5, 1698))[-IMAGES:]  # of as many as the starter has scenes
    shares = random.dirichlet(np.ones(3), IMAGES)
    contrasts = (strengths[:, None] * shares / strengths.max()) ** (1 / POWER) * BEST
    floats = np.zeros((IMAGES, 3, SIDE, SIDE), np.float32)
    floats[np.arange(IMAGES), :, :, np.arange(IMAGES) % SIDE] = contrasts[..., None]
    shown = (floats * 255).round().astype(np.uint8)
    values = on_all(model(), SITE, GOALS, torch.from_numpy(shown.astype(np.float32) / 255))
    # A change of contrast multiplies each colour's part by a factor with the same mean.
    return Images(values, np.arange(IMAGES), shown.transpose(0, 2, 3, 1).__getitem__), values[:, 0] / values.max()


def shortfall(seed: int) -> float:
    """By which share the image that is taken for the strongest of close ones lies below the one that is."""
    images, true = close_images(np.random.default_rng(seed))
    return float(1 - true[strongest(model(), SITE, GOALS, images, seed).rows[0]])


def score(picture: np.ndarray, images: Images, seed: int) -> pd.Series:
    """The row that the page would show of this picture."""
    shown, asked = picture[None], (model(), SITE, GOALS)
    copies = fresh_copies(*asked, shown, seed)
    controls = controls_of(*asked, shown, copies, seed)
    table = scored(copies, as_they_are(*asked, shown), controls, strongest(*asked, images, seed), images.values)
    return table.iloc[0]


def planted(seed: int) -> Measured:
    """A picture that is RATIO times as strong as the strongest image."""
    row = score(edges(BEST * RATIO ** (1 / POWER)), photographs(np.random.default_rng(seed)), seed)
    return Measured(row.ratio_to_best_scene, row.ratio_low, row.ratio_high, seen=not row.failed)


def noise(seed: int) -> Measured:
    """The same picture with its phases scrambled: stronger than every image, which are weak here, and shows nothing."""
    made = scrambled(torch.from_numpy(edges(BEST)), Draws(seed, [("null",)], torch.device("cpu")))[0].numpy()
    row = score(made, photographs(np.random.default_rng(seed), best=0.2 * BEST), seed)
    assert row.percentile == 100
    return Measured(row.ratio_to_best_scene, row.ratio_low, row.ratio_high, seen=not row.failed)


def blank(seed: int) -> Measured:
    """A blank of any colour, where all images are weaker still: their values are taken to be negative. Its percentile is 100
    because of that, so that only whether it counts as a picture is asked."""
    random = np.random.default_rng(seed)
    images = photographs(random)
    weaker = Images(-1 - images.values, images.numbers, images.read)
    flat = np.broadcast_to(random.random((3, 1, 1), np.float32), (3, SIDE, SIDE))
    row = score(np.ascontiguousarray(flat), weaker, seed)
    return Measured(row.percentile, row.percentile, row.percentile, seen=not row.failed)


CASES = [
    Planted("visualize", f"a picture {RATIO} times as strong as any of {IMAGES} images; null: noise of a picture's spectrum",
            RATIO, planted, noise),
    Planted("visualize", "a blank where every image is weaker: above 100% of them, and no picture", None, blank, blank),
]  # fmt: skip
