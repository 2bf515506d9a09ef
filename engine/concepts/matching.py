"""How alike a unit and a word are over a data set: three measures, as matrix products over all units and words at once.

Invariants: a word's vector counts relative to the mean of its vocabulary, so what fits every word alike does not count; a
long vocabulary is gone through in blocks, so it needs little memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

Measure = Literal["soft-wpmi", "correlation", "cos-cubed"]
MEASURES: tuple[Measure, ...] = get_args(Measure)

MOST_IMAGES, SHARE = 100, 10
SHARPNESS = 10.0
MEMBERSHIP_FIRST, MEMBERSHIP_LAST = 0.998, 0.97
LEAST = 1e-7
BLOCK = 512
"""Words, or units, at once."""
IN_CACHE = 64
"""Units at once on a CPU: with BLOCK words, what a core keeps close and torch does not split among threads."""
FACTORS = 12
"""Of at least 1 - MEMBERSHIP_FIRST each: as many as can be multiplied before float32 runs out of exponents."""
STILL = 1e-6
"""Change relative to size: what is less is rounding."""

Score = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Similarity (N, w) of some words -> scores (U, w) of the units and (S, w) of shuffled ones."""


@dataclass(frozen=True)
class Matched:
    """Scores of one block of words: `units` (U, w) of the units, `chance` (S, w) of units with shuffled images."""

    words: slice
    units: Tensor
    chance: Tensor


def match(
    measure: Measure, activations: np.ndarray, similarity: np.ndarray, sharpness: float = SHARPNESS
) -> np.ndarray:
    """Scores (U, W) float32 of activations (N, U) of units against the similarity (N, W) of words to the same images.

    - `soft-wpmi`: CLIP-Dissect's (Oikarinen and Weng 2023, section 4, with the constants of their code). The log
      probability of a word given a unit's strongest images is the sum over them of log(1 - p + p q); the score is that,
      less the log of the mean of that probability over the units. q is the softmax over words of `sharpness` times the
      similarity; p, how much an image belongs to the strongest, falls from 0.998 to 0.97 with its rank. Here the strongest
      are 100 images as there, but at most a tenth of all.
    - `correlation`: Pearson's, of activation and similarity relative to the image's mean over the words.
    - `cos-cubed`: the cosine of the same two after subtracting their means and cubing (also theirs): strong images count most.

    Images that a unit likes exactly equally come in an order of chance, not in that of the data set. A unit or word that
    never changes scores 0 under the last two.
    """
    fits = torch.from_numpy(np.ascontiguousarray(similarity, np.float32))
    fits = fits - fits.mean(dim=1, keepdim=True)
    blocks = _scored(measure, activations, lambda block: fits[:, block], fits.shape[1], 0, sharpness, fits.device)
    return torch.cat([block.units for block in blocks], 1).numpy()


def matched(
    measure: Measure,
    activations: np.ndarray,
    images: Tensor,
    words: Tensor,
    shuffles: int,
    sharpness: float = SHARPNESS,
) -> Iterator[Matched]:
    """Scores block by block, of activations (N, U) against words (W, D) that fit images (N, D) as their dot products say.

    Beside the units stand `shuffles` more: units of the same site, drawn at random and with their images shuffled.
    """
    apart = words - words.mean(dim=0)

    def fit(block: slice) -> Tensor:
        return images @ apart[block].T

    return _scored(measure, activations, fit, len(words), shuffles, sharpness, images.device)


def _scored(
    measure: Measure,
    activations: np.ndarray,
    fit: Callable[[slice], Tensor],
    words: int,
    shuffles: int,
    sharpness: float,
    device: torch.device,
) -> Iterator[Matched]:
    blocks = [slice(start, min(start + BLOCK, words)) for start in range(0, words, BLOCK)]
    if measure == "soft-wpmi":
        score = _information(activations, shuffles, device, sharpness, _normaliser(fit, blocks, sharpness))
    else:
        score = _products(activations, shuffles, device, measure == "cos-cubed")
    for block in blocks:
        yield Matched(block, *score(fit(block)))


def strongest(activations: np.ndarray) -> np.ndarray:
    """Numbers (k, U) of each unit's strongest images of activations (N, U), strongest first, equals in an order of chance."""
    count, units = activations.shape
    mixed = np.random.default_rng(0).permutation(count)
    kept = max(1, min(MOST_IMAGES, count // SHARE))
    found = np.empty((kept, units), np.int64)
    for start in range(0, units, BLOCK):
        part = activations[mixed, start : start + BLOCK].astype(np.float32)
        found[:, start : start + BLOCK] = mixed[np.argsort(-part, axis=0, kind="stable")[:kept]]
    return found


def _products(activations: np.ndarray, shuffles: int, device: torch.device, cubed: bool) -> Score:
    """Cosines of directions over the images, of the units and of shuffled ones."""
    units = _directions(torch.from_numpy(activations.astype(np.float32)).to(device).T, cubed)
    drawn = np.random.default_rng(1).integers(len(units), size=shuffles)
    mixed = _shuffled(shuffles, len(activations))
    chance = units[torch.from_numpy(drawn).to(device)].gather(1, torch.from_numpy(mixed).to(device))

    def score(similarity: Tensor) -> tuple[Tensor, Tensor]:
        directions = _directions(similarity.T, cubed).T
        return units @ directions, chance @ directions

    return score


def _information(
    activations: np.ndarray, shuffles: int, device: torch.device, sharpness: float, normaliser: Tensor
) -> Score:
    """Soft-WPMI, of the units and of as many lists of strongest images drawn at random."""
    ranks = strongest(activations)
    drawn = _shuffled(shuffles, len(activations))[:, : len(ranks)].T
    units, chance = (torch.from_numpy(np.ascontiguousarray(each)).to(device) for each in (ranks, drawn))

    def score(similarity: Tensor) -> tuple[Tensor, Tensor]:
        says = (sharpness * similarity - normaliser[:, None]).exp_()
        given, shuffled = _given_strongest(units, says), _given_strongest(chance, says)
        total = given.logsumexp(dim=0)
        # A shuffled unit counts among the units as one more of them, as a unit that means nothing would.
        among = torch.logaddexp(total, shuffled) - math.log(len(given) + 1)
        return given - (total - math.log(len(given))), shuffled - among

    return score


def _normaliser(fit: Callable[[slice], Tensor], blocks: Sequence[slice], sharpness: float) -> Tensor:
    """Of the softmax over all words: one number for each image (N,), gathered block by block."""
    parts = [(sharpness * fit(block)).logsumexp(dim=1) for block in blocks]
    return torch.stack(parts).logsumexp(dim=0)


def _shuffled(times: int, count: int) -> np.ndarray:
    """(times, count) int64: the numbers below `count` in orders of chance, the same ones each time."""
    return np.random.default_rng(0).permuted(np.tile(np.arange(count), (times, 1)), axis=1)


def _given_strongest(ranks: Tensor, says: Tensor) -> Tensor:
    """Log probability (U, w) of words given strongest images (k, U), where image i says word j with probability says[i, j].

    Rank by rank for many units at once, and of several factors together one logarithm.
    """
    count, units = ranks.shape
    total = says.new_zeros(units, says.shape[1])
    product = torch.empty_like(total)
    together = IN_CACHE if says.device.type == "cpu" else max(units, 1)
    factor = total.new_empty(min(together, units), says.shape[1])
    for first in range(0, count, FACTORS):
        product.fill_(1)
        for start in range(0, units, together):
            some, here = ranks[:, start : start + together], product[start : start + together]
            for rank in range(first, min(first + FACTORS, count)):
                belongs = MEMBERSHIP_FIRST - (MEMBERSHIP_FIRST - MEMBERSHIP_LAST) * rank / count
                found = torch.index_select(says, 0, some[rank], out=factor[: len(here)])
                here *= found.mul_(belongs).add_(1 - belongs + LEAST)
        total += product.log_()
    return total


def _directions(rows: Tensor, cubed: bool) -> Tensor:
    """Rows (n, N) less their mean, cubed where asked, at length one; rows that never change are 0."""
    centred = rows - rows.mean(dim=1, keepdim=True)
    size = centred.abs().amax(dim=1, keepdim=True)
    still = size <= STILL * rows.abs().amax(dim=1, keepdim=True)
    centred = torch.where(still, 0, centred / size.clamp(min=1e-30))
    powered = centred**3 if cubed else centred
    return powered / powered.norm(dim=1, keepdim=True).clamp(min=1e-12)
