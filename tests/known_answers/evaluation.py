"""Answers, comparisons and the activation index of networks and images whose right answers are known beforehand.

The network is made by hand: of each image it is decided by a coin of known bias whether the logit of its own class is the
largest. What the experiments make of the logits is theirs.
"""

from __future__ import annotations

import numpy as np
import torch

from engine.core.statistics import Z
from engine.evaluation.comparison import Aligned, paired
from engine.evaluation.counterparts import Nearest, halved
from engine.evaluation.predictions import answered, correct, measured
from engine.evaluation.tally import Tally
from engine.sites.access import Site
from engine.sites.grid import Grid
from tests.known_answers.planted import Measured, Planted

CLASSES, IMAGES = 8, 400
CHANCE = 1 / CLASSES
RIGHT, WORSE = 0.8, 0.7
"""Accuracies that are planted: on whole images, and of the weaker model or the changed images."""
MEAN, SPREAD, UNITS, PREFIX = 0.3, 1.0, 3, 1

OTHERS, ALIKE = 100, 0.6
"""Units of another model, and the correlation of one of them with the unit whose counterpart is looked for."""


def _right(seed: int, share: float, draws: np.random.Generator | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(top-1, top-5) of the planted network on IMAGES images, each of which it gets right with probability `share`; wrong
    answers are any of the other classes."""
    draws = draws or np.random.default_rng(seed)
    labels = draws.integers(0, CLASSES, IMAGES)
    given = np.where(draws.random(IMAGES) < share, labels, (labels + draws.integers(1, CLASSES, IMAGES)) % CLASSES)
    logits = torch.from_numpy(draws.normal(size=(IMAGES, 1, CLASSES))).float()
    logits[torch.arange(IMAGES), 0, torch.from_numpy(given)] += 20
    arrays = answered(np.arange(IMAGES), labels, logits)
    return correct(arrays, 1)[:, 0], correct(arrays, 5)[:, 0]


def _accuracy(seed: int, share: float) -> Measured:
    top1, top5 = _right(seed, share)
    facts = measured((top1, top5), (top1, top5), np.zeros(IMAGES))
    low, high = facts["top1_interval"]
    return Measured(facts["top1"], low, high, not low <= CHANCE <= high)


def _kept(seed: int, kept: float) -> Measured:
    """Accuracy over that on whole images: of the images that are right whole, a planted share stays right."""
    draws = np.random.default_rng(seed)
    full, full5 = _right(seed, RIGHT, draws)
    still = full & (draws.random(IMAGES) < kept)
    facts = measured((still, full5), (full, full5), np.zeros(IMAGES))
    low, high = facts["top1_normalised_interval"]
    return Measured(facts["top1_normalised"], low, high, not low <= 1 <= high)


def _difference(seed: int, second: float) -> Measured:
    """Two models on the same images, right independently of each other."""
    draws = np.random.default_rng(seed)
    (first, _), (other, _) = _right(seed, RIGHT, draws), _right(seed, second, draws)
    top1 = np.stack([first, other])[:, :, None]
    images, loss = np.arange(IMAGES), np.zeros(top1.shape)
    row = paired(Aligned(("a", "b"), images, (("full", ""),), top1, top1, loss))[0]
    low, high = row["interval"]
    return Measured(row["difference"], low, high, not low <= 0 <= high)


def _activations(seed: int, mean: float) -> Measured:
    """A unit's mean over images as its index holds it, with the interval that the index's own spread gives. The class token's
    activations are far from it, and must not count; batches have several sizes."""
    draws, grid = torch.Generator().manual_seed(seed), Grid(2, 2, PREFIX)
    site = Site("blocks.0.mlp.hidden", UNITS, grid, 0, "mlp.hidden", "blocks.0")
    tally = Tally(site, 4, IMAGES, torch.device("cpu"))
    images = mean + SPREAD * torch.randn(IMAGES, 1, UNITS, generator=draws)
    places = torch.randn(IMAGES, 4, UNITS, generator=draws)
    maps = images + places - places.mean(1, keepdim=True)  # positions differ, and their mean is the image's
    values = torch.cat([torch.full((IMAGES, PREFIX, UNITS), 100.0), maps], dim=1)
    for part in torch.arange(IMAGES).split([7, 128, 128, IMAGES - 263]):
        tally.add(part, values[part])
    result = tally.result({}, {})
    centre, margin = float(result.arrays["mean"][0]), Z * float(result.arrays["std"][0]) / IMAGES**0.5
    return Measured(centre, centre - margin, centre + margin, not centre - margin <= 0 <= centre + margin)


def _counterpart(seed: int, alike: float) -> Measured:
    """The nearest of a layer's units on the images that it was not chosen on. Images come in pairs that are alike by half."""
    draws = np.random.default_rng(seed)
    pairs = np.repeat(np.arange(IMAGES // 2), 2)

    def layer(units: int) -> np.ndarray:
        shared, alone = draws.normal(size=(IMAGES // 2, units))[pairs], draws.normal(size=(IMAGES, units))
        return np.sqrt(0.5) * (shared + alone)

    unit, others = layer(1), layer(OTHERS)
    others[:, 7] = alike * unit[:, 0] + np.sqrt(1 - alike**2) * others[:, 7]
    half = halved(pairs)
    best = Nearest(unit[half], unit[~half], 1)
    best.add(0, others[half], others[~half], False)
    found = best.arrays(len(np.unique(pairs[~half])))
    r, low, high = (float(found[name][0, 0]) for name in ("r", "low", "high"))
    return Measured(r, low, high, low > 0)


CASES = [
    Planted(
        "accuracy", f"right on {RIGHT:.0%} of {IMAGES} images", RIGHT,
        lambda seed: _accuracy(seed, RIGHT), lambda seed: _accuracy(seed, CHANCE), CHANCE,
    ),
    Planted("accuracy over that on whole images", f"{0.75:.0%} of the right answers stay", 0.75, lambda seed: _kept(seed, 0.75)),
    Planted(
        "paired comparison", f"{RIGHT:.0%} against {WORSE:.0%} on {IMAGES} images", RIGHT - WORSE,
        lambda seed: _difference(seed, WORSE), lambda seed: _difference(seed, RIGHT),
    ),
    Planted(
        "activation index", f"a unit's mean of {MEAN:g} at a spread of {SPREAD:g}", MEAN,
        lambda seed: _activations(seed, MEAN), lambda seed: _activations(seed, 0.0),
    ),
    Planted(
        "counterparts", f"the nearest of {OTHERS} units (correlation {ALIKE})", ALIKE,
        lambda seed: _counterpart(seed, ALIKE), lambda seed: _counterpart(seed, 0.0),
    ),
]  # fmt: skip
