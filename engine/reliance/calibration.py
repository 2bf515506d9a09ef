"""How much a place counts, in calibrated log-odds: confidence is taken out before two models are compared.

A model that is twice as sure of everything moves twice as far in log-odds when anything changes, and relies on nothing more.
So each model's logits are first divided by the temperature that makes its answers as confident as they are right on other
scenes than those measured (Guo et al. 2017). Invariant: logits times any constant give the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.statistics import Estimate, estimate

STEPS = 60
LARGEST = 1e4  # times the inverse of the logits' own spread: beyond it there is no best temperature


@dataclass(frozen=True)
class Reliance:
    """`mean` with its interval, each set's own value (n,) (NaN where no class lives at the other place), and the temperature
    of each half of the sets, fitted on that half and used on the other."""

    mean: Estimate
    of_sets: np.ndarray
    temperatures: tuple[float, float]


def measured(
    values: np.ndarray,
    labels: np.ndarray,
    rivals: np.ndarray,
    log_ratio: float,
    weights: tuple[float, float],
    clusters: np.ndarray | None = None,
) -> Reliance:
    """How much the place moves the answer, relative to what the planted cue is worth.

    values (n, 2, classes) logits for the object at home and on another place B; labels (n,); rivals (n, classes) bool: the
    classes that live at B. The log-odds of the object's class against all rivals fall by 2 `log_ratio` for an ideal observer,
    who weighs the place exactly as training planted it (Bayes' rule: the object's own evidence cancels, as it is the same in
    both scenes). 0: the place is ignored; 1: it counts as much as it is worth; above: more than that.

    Every second set is one half: the temperature of either is used on the other. `weights`: how often training showed
    scenes at home, and others, so that an ideal observer has temperature 1. The interval knows that the temperatures are
    themselves measured. NaN where no temperature fits (nothing is answered wrongly, or nothing rightly) or no set has rivals.
    """
    values = values.astype(np.float64)
    second = np.arange(len(values)) % 2 == 1
    told = rivals.any(1)
    of_sets, turned = np.full(len(values), np.nan), np.zeros(len(values))
    fitted: list[float] = []
    for half in (~second, second):
        beta, slopes, curvature = fit(values[half], labels[half], weights) if half.any() else (np.nan, np.zeros(0), 1.0)
        fitted.append(1 / beta)
        other = ~half & told
        moved, faster = _moved(beta * values[other], values[other], labels[other], rivals[other])
        of_sets[other] = moved / (2 * log_ratio)
        if half.any():
            # What this half's sets do to the other half's reliance, by way of the temperature (the delta method).
            turned[half] -= faster.sum() / (2 * log_ratio) * slopes / (half.sum() * curvature)
    if not told.any() or np.isnan(fitted).any():
        return Reliance(Estimate(np.nan, np.nan, np.nan), np.full(len(values), np.nan), (fitted[0], fitted[1]))
    mean = estimate(np.nan_to_num(of_sets) + turned, np.asarray(told, np.float64), clusters)
    return Reliance(mean, of_sets, (fitted[0], fitted[1]))


def fit(values: np.ndarray, labels: np.ndarray, weights: tuple[float, float]) -> tuple[float, np.ndarray, float]:
    """(the inverse temperature that makes the cross-entropy smallest, each set's slope there (n,), the mean curvature).

    values (n, 2, classes) logits of two scenes a set, which count as much as `weights` say; labels (n,). NaN where there is
    no best one.
    """
    spread = float(values.std(-1).mean())
    if not spread > 0:
        return np.nan, np.zeros(len(values)), 1.0
    low, high = 0.0, LARGEST / spread
    ends = [slopes(beta, values, labels, weights)[0].mean() for beta in (low, high)]
    if not ends[0] < 0 < ends[1]:  # never right, or never wrong
        return np.nan, np.zeros(len(values)), 1.0
    beta = 1 / spread
    for _ in range(STEPS):
        slope, curvature = slopes(beta, values, labels, weights)
        low, high = (beta, high) if slope.mean() < 0 else (low, beta)
        step = beta - slope.mean() / curvature if curvature > 0 else -1.0
        new = step if low < step < high else (low + high) / 2  # Newton's, or bisection where that leads away
        if abs(new - beta) < 1e-10 * beta:
            break
        beta = new
    return beta, *slopes(beta, values, labels, weights)


def slopes(
    beta: float, values: np.ndarray, labels: np.ndarray, weights: tuple[float, float]
) -> tuple[np.ndarray, float]:
    """(each set's slope of the cross-entropy (n,), the mean curvature) at an inverse temperature."""
    scaled = beta * values
    chances = np.exp(scaled - scaled.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    mean = (chances * values).sum(-1)
    spread = (chances * values**2).sum(-1) - mean**2
    true = np.take_along_axis(values, labels[:, None, None].repeat(2, 1), -1)[..., 0]
    return (mean - true) @ np.array(weights), float((spread @ np.array(weights)).mean())


def _moved(
    scaled: np.ndarray, values: np.ndarray, labels: np.ndarray, rivals: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(how far the log-odds of the object's class against its rivals fall (n,), how much further for a higher inverse
    temperature (n,)) from logits that are `scaled` by it, and as they are."""
    against = np.where(rivals[:, None], scaled, -np.inf)
    most = against.max(-1, keepdims=True)
    chances = np.exp(against - most)
    mass = np.log(chances.sum(-1)) + most[..., 0]
    rows = np.arange(len(scaled))
    odds = scaled[rows, :, labels] - mass
    faster = values[rows, :, labels] - (chances * values).sum(-1) / chances.sum(-1)
    return odds[:, 0] - odds[:, 1], faster[:, 0] - faster[:, 1]
