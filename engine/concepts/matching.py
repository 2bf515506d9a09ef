"""How alike a unit and a word are over a data set: three measures, as matrix products over all units and words at once.

Invariants: a word's vector counts relative to the mean of its vocabulary, so what fits every word alike does not count; a
long vocabulary is gone through in blocks, so it needs little memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
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
"""Words at once."""
FACTORS = 12
"""Of at least 1 - MEMBERSHIP_FIRST each: as many as can be multiplied before float32 runs out of exponents."""


@dataclass(frozen=True)
class Matched:
    """Scores of one block of words: `units` (U, w) of the units, `chance` (S, w) of units with shuffled images."""

    words: slice
    units: Tensor
    chance: Tensor


def match(measure: Measure, activations: np.ndarray, similarity: np.ndarray) -> np.ndarray:
    """Scores (U, W) float32 of activations (N, U) of units against the similarity (N, W) of words to the same images.

    - `soft-wpmi`: CLIP-Dissect's (Oikarinen and Weng 2023, section 4 and their code). For each unit the log probability
      of a word given its strongest images, sum over them of log(1 - p + p q), less the log of the mean of that
      probability over the units. q is the softmax over words of ten times the similarity; p, how much an image belongs
      to the strongest, falls from 0.998 to 0.97 with the rank. Here the strongest are 100 images as there, but at
      most a tenth of all; and images that a unit likes equally well come in an order of chance.
    - `correlation`: Pearson's, of activation and similarity.
    - `cos-cubed`: the cosine of both after subtracting the mean and cubing (theirs too): strong images count most.

    A unit or word that never changes scores 0 under the last two.
    """
    images = torch.from_numpy(np.ascontiguousarray(similarity, np.float32))
    blocks = matched(measure, activations, images, torch.eye(images.shape[1]), shuffles=0)
    return torch.cat([block.units for block in blocks], 1).numpy()


def matched(
    measure: Measure, activations: np.ndarray, images: Tensor, words: Tensor, shuffles: int, seed: int = 0
) -> Iterator[Matched]:
    """Scores block by block, of activations (N, U) against words (W, D) that fit images (N, D) as their dot products say.

    Beside the units stand `shuffles` more: units of the same site, picked and with their images shuffled at random.
    """
    words = words - words.mean(dim=0)
    units, chance = _prepare(measure, activations, shuffles, np.random.default_rng(seed), images.device)
    scored = _scorer(measure, units, chance, images, words)
    for start in range(0, len(words), BLOCK):
        block = slice(start, min(start + BLOCK, len(words)))
        yield Matched(block, *scored(images @ words[block].T))


def strongest(activations: np.ndarray) -> np.ndarray:
    """Numbers (k, U) of each unit's strongest images of activations (N, U), strongest first, equals in an order of chance."""
    count = len(activations)
    kept = max(1, min(MOST_IMAGES, count // SHARE))
    mixed = np.random.default_rng(0).permutation(count)
    order = np.argsort(-activations[mixed].astype(np.float32), axis=0, kind="stable")[:kept]
    return mixed[order]


def _prepare(
    measure: Measure, activations: np.ndarray, shuffles: int, rng: np.random.Generator, device: torch.device
) -> tuple[Tensor, Tensor]:
    """What a measure needs of the units and of as many shuffled ones: ranks (k, U) or rows of length one (U, N)."""
    count = len(activations)
    if measure == "soft-wpmi":
        ranks = strongest(activations)
        drawn = [rng.choice(count, len(ranks), replace=False) for _ in range(shuffles)]
        mixed = np.stack(drawn, axis=1) if drawn else ranks[:, :0]
        return torch.from_numpy(ranks).to(device), torch.from_numpy(mixed).to(device)
    rows = _directions(torch.from_numpy(activations.astype(np.float32)).to(device).T, measure == "cos-cubed")
    picked = rows[torch.from_numpy(rng.integers(len(rows), size=shuffles)).to(device)]
    mixed = np.stack([rng.permutation(count) for _ in range(shuffles)]) if shuffles else np.zeros((0, count), np.int64)
    return rows, picked.gather(1, torch.from_numpy(mixed).to(device))


def _scorer(
    measure: Measure, units: Tensor, chance: Tensor, images: Tensor, words: Tensor
) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    if measure != "soft-wpmi":

        def products(similarity: Tensor) -> tuple[Tensor, Tensor]:
            directions = _directions(similarity.T, measure == "cos-cubed").T
            return units @ directions, chance @ directions

        return products

    normaliser = torch.full((len(images),), -math.inf, device=images.device)
    for start in range(0, len(words), BLOCK):
        part = SHARPNESS * images @ words[start : start + BLOCK].T
        normaliser = torch.logaddexp(normaliser, part.logsumexp(dim=1))

    def information(similarity: Tensor) -> tuple[Tensor, Tensor]:
        member = (SHARPNESS * similarity - normaliser[:, None]).exp()
        given, drawn = _given_strongest(units, member), _given_strongest(chance, member)
        total = given.logsumexp(dim=0)
        # A shuffled unit stands among the units as one more of them, as a unit that means nothing would.
        among = torch.logaddexp(total, drawn) - math.log(units.shape[1] + 1)
        return given - (total - math.log(units.shape[1])), drawn - among

    return information


def _given_strongest(ranks: Tensor, member: Tensor) -> Tensor:
    """Log probability (U, w) of each word given strongest images (k, U) that say it with probability `member` (N, w).

    Rank by rank for all units at once; some factors are multiplied before a logarithm is taken.
    """
    count = len(ranks)
    total = member.new_zeros(ranks.shape[1], member.shape[1])
    for first in range(0, count, FACTORS):
        product = torch.ones_like(total)
        for rank in range(first, min(first + FACTORS, count)):
            belongs = MEMBERSHIP_FIRST - (MEMBERSHIP_FIRST - MEMBERSHIP_LAST) * rank / count
            product *= member.index_select(0, ranks[rank]).mul_(belongs).add_(1 - belongs + LEAST)
        total += product.log_()
    return total


def _directions(rows: Tensor, cubed: bool) -> Tensor:
    """Rows (n, N) less their mean, cubed where asked, at length one; rows that never change are 0."""
    centred = rows - rows.mean(dim=1, keepdim=True)
    size = centred.abs().amax(dim=1, keepdim=True)
    still = size <= 1e-6 * rows.abs().amax(dim=1, keepdim=True)
    centred = torch.where(still, 0, centred / size.clamp(min=1e-30))
    powered = centred**3 if cubed else centred
    return powered / powered.norm(dim=1, keepdim=True).clamp(min=1e-12)
