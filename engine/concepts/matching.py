"""How alike a unit and a word are over a data set: three measures, as matrix products over all units and words at once.

Invariants: a word's vector counts relative to the mean of its vocabulary, so what fits every word alike does not count; a
long vocabulary is gone through in blocks, so it needs little memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.concepts.correlation import STILL
from engine.core.choices import Measure

MOST_IMAGES, SHARE = 100, 10
SHARPNESS = 10.0
MEMBERSHIP_FIRST, MEMBERSHIP_LAST = 0.998, 0.97
LEAST = 1e-7
BLOCK = 512
"""Words at once."""
TOGETHER = 64
"""Units at once: with BLOCK words, what a core keeps close."""
FACTORS = 12
"""Of at least 1 - MEMBERSHIP_FIRST each: as many as can be multiplied before float32 runs out of exponents."""

Fit = Callable[[slice], np.ndarray]
"""Some words -> how well each fits each image (N, w), relative to the vocabulary."""
Score = Callable[[np.ndarray], np.ndarray]
"""The fit (N, w) of some words -> scores (U, w) of the units."""


@dataclass(frozen=True)
class Matched:
    """Scores `units` (U, w) of the units against one block of words."""

    words: slice
    units: np.ndarray


def match(
    measure: Measure, activations: np.ndarray, similarity: np.ndarray, sharpness: float = SHARPNESS
) -> np.ndarray:
    """Scores (U, W) float32 of activations (N, U) of units against the similarity (N, W) of words to the same images.

    - `soft-wpmi`: CLIP-Dissect's (Oikarinen and Weng 2023, section 4, with the constants of their code). The log
      probability of a word given a unit's strongest images is the sum over them of log(1 - p + p q); the score is that,
      less the log of the mean of that probability over the units. q is the softmax over words of `sharpness` times the
      similarity; p, how much an image belongs to the strongest, falls from 0.998 to 0.97 with its rank. Here the strongest
      are 100 images as there, but at most a tenth of all. No score is above the log of the number of units.
    - `correlation`: Pearson's, of activation and similarity relative to the image's mean over the words.
    - `cos-cubed`: the cosine of the same two after subtracting their means and cubing (also theirs): strong images count most.

    Images that a unit likes exactly equally come in an order of chance, not in that of the data set. A unit or word that
    never changes scores 0 under the last two.
    """
    relative = similarity.astype(np.float32)
    relative -= relative.mean(axis=1, keepdims=True)
    blocks = _scored(measure, activations, lambda block: relative[:, block], relative.shape[1], sharpness)
    return np.concatenate([block.units for block in blocks], axis=1)


def matched(
    measure: Measure,
    activations: np.ndarray,
    images: np.ndarray,
    words: np.ndarray,
    sharpness: float = SHARPNESS,
) -> Iterator[Matched]:
    """Scores block by block, of activations (N, U) against words (W, D) that fit images (N, D) as their dot products say."""
    apart = words - words.mean(axis=0)
    return _scored(measure, activations, lambda block: images @ apart[block].T, len(words), sharpness)


def _scored(measure: Measure, activations: np.ndarray, fit: Fit, words: int, sharpness: float) -> Iterator[Matched]:
    blocks = [slice(start, min(start + BLOCK, words)) for start in range(0, words, BLOCK)]
    if measure == "soft-wpmi":
        score = _information(activations, sharpness, _normaliser(fit, blocks, sharpness))
    else:
        score = _products(activations, measure == "cos-cubed")
    for block in blocks:
        yield Matched(block, score(fit(block)))


def strongest(activations: np.ndarray) -> np.ndarray:
    """Numbers (k, U) of each unit's strongest images of activations (N, U), strongest first, equals in an order of chance."""
    count, units = activations.shape
    mixed = np.random.default_rng(0).permutation(count)
    kept = max(1, min(MOST_IMAGES, count // SHARE))
    ranked = np.empty((kept, units), np.int64)
    for start in range(0, units, BLOCK):
        part = activations[mixed, start : start + BLOCK].astype(np.float32)
        ranked[:, start : start + BLOCK] = mixed[np.argsort(-part, axis=0, kind="stable")[:kept]]
    return ranked


def strongest_words(scores: np.ndarray, numbers: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
    """The `top` largest scores (U, top) in each row of scores (U, w), largest first, and what is at their places in numbers."""
    count = scores.shape[1]
    if top < count:
        places = np.argpartition(-scores, top - 1, axis=1)[:, :top]
        scores, numbers = np.take_along_axis(scores, places, 1), np.take_along_axis(numbers, places, 1)
    order = np.lexsort((numbers, -scores), axis=1)
    return np.take_along_axis(scores, order, 1), np.take_along_axis(numbers, order, 1)


def _products(activations: np.ndarray, cubed: bool) -> Score:
    """Cosines of directions over the images."""
    units = _directions(activations.T, cubed)

    def score(fits: np.ndarray) -> np.ndarray:
        return units @ _directions(fits.T, cubed).T

    return score


def _information(activations: np.ndarray, sharpness: float, normaliser: np.ndarray) -> Score:
    """Soft-WPMI."""
    units = strongest(activations)

    def score(fits: np.ndarray) -> np.ndarray:
        given = _given_strongest(units, np.exp(sharpness * fits - normaliser[:, None]))
        return given - (_log_sum(given, axis=0) - math.log(len(given)))

    return score


def _normaliser(fit: Fit, blocks: Sequence[slice], sharpness: float) -> np.ndarray:
    """Of the softmax over all words: one number for each image (N,), gathered block by block."""
    return _log_sum(np.stack([_log_sum(sharpness * fit(block), axis=1) for block in blocks]), axis=0)


def _given_strongest(ranks: np.ndarray, says: np.ndarray) -> np.ndarray:
    """Log probability (U, w) of words given strongest images (k, U), where image i says word j with probability says[i, j].

    Rank by rank for many units at once, and of several factors together one logarithm.
    """
    count, units = ranks.shape
    total = np.zeros((units, says.shape[1]), np.float32)
    buffers = np.empty((2, min(TOGETHER, units), says.shape[1]), np.float32)
    for start in range(0, units, TOGETHER):
        some, sums = ranks[:, start : start + TOGETHER], total[start : start + TOGETHER]
        product, factor = buffers[:, : len(sums)]
        for first in range(0, count, FACTORS):
            product.fill(1)
            for rank in range(first, min(first + FACTORS, count)):
                belongs = np.float32(MEMBERSHIP_FIRST - (MEMBERSHIP_FIRST - MEMBERSHIP_LAST) * rank / count)
                np.take(says, some[rank], axis=0, out=factor, mode="clip")
                factor *= belongs
                factor += 1 - belongs + np.float32(LEAST)
                product *= factor
            sums += np.log(product, out=product)
    return total


def _log_sum(values: np.ndarray, axis: int) -> np.ndarray:
    """Logarithm of the sum of exponentials, without overflow."""
    largest = values.max(axis=axis, keepdims=True)
    return np.squeeze(largest, axis) + np.log(np.exp(values - largest).sum(axis=axis))


def _directions(rows: np.ndarray, cubed: bool) -> np.ndarray:
    """Rows (n, N) less their mean, cubed where asked, at length one, float32; rows that never change are 0."""
    rows = rows.astype(np.float32)
    centred = rows - rows.mean(axis=1, keepdims=True)
    size = np.abs(centred).max(axis=1, keepdims=True)
    alive = size > STILL * np.abs(rows).max(axis=1, keepdims=True)
    centred = np.divide(centred, size, out=np.zeros_like(centred), where=alive)
    powered = centred**3 if cubed else centred
    return powered / np.maximum(np.linalg.norm(powered, axis=1, keepdims=True), 1e-12)
