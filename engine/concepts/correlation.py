"""A few units that follow something better together than the best of them does alone, as a target to make a picture of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.concepts.halves import Halves
from engine.core.statistics import STILL, standard
from engine.core.targets import Target, parse_target


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's, of two lists (n,)."""
    return float(standard(a[:, None])[:, 0] @ standard(b[:, None])[:, 0])


def correlations(units: np.ndarray, images: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """(n, W) of standardised units (N, n) with the fit of texts (W, D) to images (N, D), which is their dot product.

    Both the products and their spread over the images are linear and quadratic in the texts, so the images are summed over once.
    """
    centred = images - images.mean(axis=0)
    spread = np.sqrt(np.maximum(np.einsum("wd,wd->w", texts @ (centred.T @ centred), texts), 0))
    alive = spread > STILL * np.linalg.norm(texts, axis=1) * np.linalg.norm(images)
    scale = np.divide(1, spread, out=np.zeros_like(spread), where=alive)
    return (units.T @ centred) @ texts.T * scale


MOST_UNITS = 5
LEAST_WEIGHT = 0.01
"""Of the largest: a unit that counts less is left out of the target."""


@dataclass(frozen=True)
class Combination:
    """`target` (see `engine.core.targets`; the largest weight is 1 or -1), its correlation with what it follows, and `held_out`:
    the correlation on the half of the kinds that units and weights were not chosen on."""

    target: Target
    correlation: float
    held_out: float


def combine(activations: np.ndarray, wanted: np.ndarray, split: Halves) -> Combination:
    """At most five units whose weighted sum follows `wanted` (N,), chosen from activations (N, U); `held_out` is of the halves of
    `split`.

    Orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad 1993): the unit that follows what is left the best joins,
    then all weights are fitted anew.
    """
    units, weights = pursue(activations, wanted)
    kept = np.abs(weights) >= LEAST_WEIGHT * np.abs(weights).max()
    units, weights = units[kept], weights[kept] / np.abs(weights).max()
    terms = [
        f"{'-' if weight < 0 else '+'}{abs(weight):.6f}*{unit}" for unit, weight in zip(units, weights, strict=True)
    ]
    target = parse_target(f"({''.join(terms).removeprefix('+')})")
    follows = correlation(activations[:, units].astype(np.float32) @ weights, wanted)
    return Combination(target, follows, _held_out(activations, wanted, split))


def pursue(activations: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(units, weights of their activations) of the pursuit, in the order in which the units joined; unit 0 where none follows."""
    columns, aim = standard(activations), standard(wanted[:, None])[:, 0]
    chosen: list[int] = []
    rest, weights = aim, np.zeros(0)
    for _ in range(min(MOST_UNITS, columns.shape[1])):
        gain = np.abs(columns.T @ rest)
        gain[chosen] = 0
        if gain.max() <= STILL:
            break
        chosen.append(int(gain.argmax()))
        weights = np.linalg.lstsq(columns[:, chosen].astype(np.float64), aim.astype(np.float64), rcond=None)[0]
        rest = aim - (columns[:, chosen] @ weights).astype(np.float32)
    if not chosen:
        return np.zeros(1, np.int64), np.ones(1)
    spread = activations[:, chosen].astype(np.float64).std(axis=0)
    return np.array(chosen), weights / spread


def _held_out(activations: np.ndarray, wanted: np.ndarray, split: Halves) -> float:
    """Chosen on one half of the kinds of images, and measured on the other."""
    ours, others = split.choosing, split.testing
    units, weights = pursue(activations[ours], wanted[ours])
    return correlation(activations[np.ix_(others, units)].astype(np.float32) @ weights, wanted[others])
