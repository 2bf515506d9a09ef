"""Intervals for what is measured on a sample of images: 95% throughout."""

from __future__ import annotations

import math

import numpy as np

Z = 1.959964  # the normal distribution's 97.5th percentile
LOW, HIGH = 2.5, 97.5


def wilson(hits: float, n: int) -> tuple[float, float]:
    """Wilson's score interval for a share of `n` independent images (Wilson 1927). (0, 1) where there are none."""
    if n == 0:
        return 0.0, 1.0
    share, spread = hits / n, Z * Z / n
    centre = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap_means(values: np.ndarray, rounds: int = 1000, seed: int = 0) -> np.ndarray:
    """Means over resampled images (rounds, ...) of values (n, ...): every column sees the same resamples, so that
    differences and ratios of columns are paired. Raises ValueError for no images."""
    values = np.asarray(values, np.float64)
    n = len(values)
    if n == 0:
        raise ValueError("Nothing to resample.")
    draws = np.random.default_rng(seed)
    flat, parts = values.reshape(n, -1), []
    for start in range(0, rounds, 100):  # a hundred at a time: the table of counts stays small
        counts = draws.multinomial(n, np.full(n, 1 / n), size=min(100, rounds - start))
        parts.append(counts @ flat / n)
    return np.concatenate(parts).reshape(rounds, *values.shape[1:])


def bootstrap_interval(values: np.ndarray, rounds: int = 1000, seed: int = 0) -> tuple[float, float]:
    """Percentile interval of the mean of values (n,), one an image (Efron 1979)."""
    low, high = np.percentile(bootstrap_means(values, rounds, seed), (LOW, HIGH))
    return float(low), float(high)


def paired_difference(a: np.ndarray, b: np.ndarray, rounds: int = 1000, seed: int = 0) -> tuple[float, float, float]:
    """(mean of a - b, low, high) for two measurements (n,) of the same images, resampled together."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"Not the same images: {a.shape} and {b.shape}.")
    difference = a - b
    return float(difference.mean()), *bootstrap_interval(difference, rounds, seed)
