"""Intervals for what is measured on a sample of images: 95% throughout."""

from __future__ import annotations

import math

import numpy as np

Z = 1.959964  # the normal distribution's 97.5th percentile
LOW, HIGH = 2.5, 97.5
MANY = 20_000
"""Images above which resampling looks for equal ones."""
LARGEST_TABLE = 1 << 24  # counts of resampled images that are held at once


def wilson(hits: float, n: int) -> tuple[float, float]:
    """Wilson's score interval for a share of `n` independent images (Wilson 1927). (0, 1) where there are none."""
    if n == 0:
        return 0.0, 1.0
    share, spread = hits / n, Z * Z / n
    centre = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, min(share, centre - half)), min(
        1.0, max(share, centre + half)
    )  # rounding must not leave the share out


def bootstrap_means(values: np.ndarray, rounds: int = 1000, seed: int = 0) -> np.ndarray:
    """Means over resampled images (rounds, ...) of values (n, ...): every column sees the same resamples, so that
    differences and ratios of columns are paired. Raises ValueError for no images."""
    values = np.asarray(values, np.float64)
    n = len(values)
    if n == 0:
        raise ValueError("Nothing to resample.")
    draws = np.random.default_rng(seed)
    flat, parts = values.reshape(n, -1), []
    shares = np.full(n, 1 / n)
    if n > MANY:  # images with the same values are one cell: right or wrong makes two of them, in pairs four
        cells, counts = np.unique(flat, axis=0, return_counts=True)
        flat, shares = (cells, counts / n) if len(cells) < n / 2 else (flat, shares)
    at_once = max(1, min(100, LARGEST_TABLE // len(flat)))
    for start in range(0, rounds, at_once):
        counts = draws.multinomial(n, shares, size=min(at_once, rounds - start))
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


def bootstrap_ratio(
    above: np.ndarray, below: np.ndarray, rounds: int = 1000, seed: int = 0
) -> tuple[float, float, float] | None:
    """(mean of above / mean of below, low, high) for two measurements (n,) of the same images, resampled together.

    None where `below` is zero on every image.
    """
    pair = np.stack([np.asarray(above, np.float64), np.asarray(below, np.float64)], axis=1)
    if not pair[:, 1].any():
        return None
    means = bootstrap_means(pair, rounds, seed)
    ratios = means[:, 0] / np.where(means[:, 1] == 0, np.nan, means[:, 1])
    low, high = np.nanpercentile(ratios, (LOW, HIGH))
    return float(pair[:, 0].mean() / pair[:, 1].mean()), float(low), float(high)


def mcnemar(a: np.ndarray, b: np.ndarray) -> float:
    """Two-sided exact p-value that two classifiers are right equally often on the same images (McNemar 1947).

    a, b (n,) bool. Only the images count that exactly one of them gets right. 1 where there are none.
    """
    a, b = np.asarray(a, bool), np.asarray(b, bool)
    if a.shape != b.shape:
        raise ValueError(f"Not the same images: {a.shape} and {b.shape}.")
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    n, fewer = only_a + only_b, min(only_a, only_b)
    if n == 0:
        return 1.0
    logs = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2) for k in range(fewer + 1)
    ]
    return min(1.0, 2 * math.fsum(math.exp(value) for value in logs))
