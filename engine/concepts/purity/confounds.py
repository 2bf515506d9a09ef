"""Controls for colour and place: residuals of activations that the tint and the place of a scene cannot explain.

Invariant: residuals have zero mean on every place and are uncorrelated with every function of colour in the basis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from engine.concepts.purity.known_tags import Truth
from engine.concepts.purity.ranking import mid_ranks
from engine.data.cutting import box_region
from engine.data.dataset import Dataset

CENTRES, KINDS_A_CENTRE = 40, 20
"""Gaussian bumps in colour space: this many of each type, but at most one for every twenty kinds."""
EXPLAINED = 1e-4
"""A unit of whose standard deviation the controls leave less than this share is only rounding error: it is set to zero."""
_RANK = 1e-7


def mean_colours(dataset: Dataset, numbers: np.ndarray, tell: Callable[[int], None] = lambda done: None) -> np.ndarray:
    """(N, 6) float64, 0 to 1: mean red, green and blue of each scene's object, then of the whole picture.

    The object is its mask, else its box, else (where neither is known) the whole picture. `tell` hears how many are
    done. Raises RefusedFile for an image that cannot be decoded.
    """
    colours = np.empty((len(numbers), 6))
    for row, number in enumerate(numbers):
        image = dataset.image(int(number)) / 255.0
        colours[row] = [*image[_object(dataset, int(number), image)].mean(axis=0), *image.mean(axis=(0, 1))]
        if row % 100 == 0:
            tell(row)
    return colours


def _object(dataset: Dataset, number: int, image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    region = dataset.mask(number)
    if (region is None or not region.any()) and (boxes := dataset.boxes(number)):
        region = box_region(boxes, height, width)
    if region is None or region.shape != (height, width) or not region.any():
        return np.ones((height, width), bool)
    return region


def control_basis(truth: Truth, colours: np.ndarray, seed: int = 0) -> np.ndarray:
    """An orthonormal basis (N, P) of what is controlled for: an indicator for each place, and smooth functions of the two mean
    colours (`colours` (N, 6): object, picture).

    The functions are the channels, their squares and products, and Gaussian bumps around the colours of scenes drawn
    at random: of the object, of the picture and of both. A linear model would not suffice: a unit
    tuned to "reddish" responds nonlinearly.
    """
    places = np.array(truth.places)
    columns = [np.ones(len(places)), *(places == place for place in np.unique(places))]
    draws = np.random.default_rng(seed)
    count = min(CENTRES, len(truth.members) // KINDS_A_CENTRE)
    for part in (colours[:, :3], colours[:, 3:], colours):
        spread = part.std(axis=0)
        scaled = (part - part.mean(axis=0)) / np.where(spread > 0, spread, 1)
        columns += [*scaled.T, *(scaled[:, a] * scaled[:, b] for a in range(3) for b in range(a, 3))]
        if count:
            columns += _bumps(scaled, draws.choice(len(scaled), count, replace=False))
    left, sizes, _ = np.linalg.svd(np.stack(columns, axis=1).astype(np.float64), full_matrices=False)
    return left[:, sizes > _RANK * sizes[0]]


def _bumps(colours: np.ndarray, centres: np.ndarray) -> list[np.ndarray]:
    far = ((colours[:, None] - colours[centres]) ** 2).sum(axis=2)
    return [*np.exp(-1.5 * far / max(float(np.median(far)), 1e-12)).T]


def within_places(activations: np.ndarray, places: Sequence[str]) -> np.ndarray:
    """Rank of each scene's activation among the scenes on the same place, for activations (N, U): 0 the lowest, 1 the
    highest, ties averaged. A place can thus neither shift nor scale a unit's activations."""
    names, stands = np.array(places), np.empty(activations.shape)
    for place in np.unique(names):
        here = np.flatnonzero(names == place)
        stands[here] = (mid_ranks(activations[here]) - 0.5) / len(here)
    return stands


def controlled(values: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Residuals of values (N, U) after least squares on the basis: float64 (N, U), two matrix products.

    A unit that it explains up to rounding (see EXPLAINED), or that is constant, becomes zero everywhere.
    """
    values = values.astype(np.float64)
    left = values - basis @ (basis.T @ values)
    spread = values.std(axis=0)
    alive = (left.std(axis=0) > EXPLAINED * spread) & (spread > 1e-6 * np.abs(values).max(axis=0))
    return np.where(alive, left, 0.0)


def standing(means: np.ndarray) -> np.ndarray:
    """Standing of each kind for each unit, from controlled means of kinds (K, U): float32 between 0 and 1.

    The normal distribution function of the standardized mean. Ranks would be unsuitable: for a unit that is silent on
    most scenes, these differ only by the fit of the controls, which ranks would amplify.
    """
    spread = means.std(axis=0)
    apart = (means - means.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return torch.special.ndtr(torch.from_numpy(apart)).numpy().astype(np.float32)
