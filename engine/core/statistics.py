"""Intervals for what is measured on a sample of images: 95% throughout, and what such a sample can show at all.

Images that belong together (the scenes of one set, the boxes of one image, the images of one kind) tell less than as many
independent ones. Whoever knows such groups gives them as `clusters`, one id an image: intervals are then those of a sample
of clusters. `estimate` is the one function for means, shares, ratios and paired differences; statistics that are no ratio of
means are resampled (`resampled`, `percentiles`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from engine.core.quantiles import beta_quantile, beta_tail, student_quantile

LEVEL, POWER = 0.95, 0.8
Z = 1.959964  # the normal distribution's 97.5th percentile
LOW, HIGH = 2.5, 97.5
MANY = 20_000
"""Images above which resampling looks for equal ones."""
LARGEST_TABLE = 1 << 24  # counts of resampled images that are held at once


class Estimate(NamedTuple):
    """A value and its 95% interval; the interval is NaN where fewer than two clusters were measured."""

    value: float
    low: float
    high: float


def share(hits: float, n: float) -> tuple[float, float]:
    """Exact interval for a share of `n` independent images (Clopper and Pearson 1934): it holds the truth in at least 95% of
    samples, however small n or near 0 or 1 the share is. (0, 1) where there are none."""
    if n <= 0:
        return 0.0, 1.0
    tail = (1 - LEVEL) / 2
    low = beta_quantile(tail, hits, n - hits + 1) if hits > 0 else 0.0
    high = beta_quantile(1 - tail, hits + 1, n - hits) if hits < n else 1.0
    return low, high


def estimate(values: np.ndarray, below: np.ndarray | None = None, clusters: np.ndarray | None = None) -> Estimate:
    """The mean of `values` (n,), or mean(values) / mean(below) for two measurements (n,) of the same images, with its
    interval. Truth values are shares. `clusters` (n,): which images belong together.

    Shares: exact on the effective number of images (Korn and Graubard 1998). All else: linearised, from the spread of the
    clusters' sums, with Student's quantile; ratios and differences of truth values count one more image of each
    possible kind (after Agresti and Min 2005), so that no interval is empty where all images agree.
    Raises ValueError for no images.
    """
    values = np.asarray(values)
    if values.dtype == bool and below is None:
        return _share(values, clusters)
    if below is None:
        return _ratio(values, np.ones(len(values)), clusters, [])[0]
    if not _truths(values, below):
        return _ratio(values, below, clusters, [])[0]
    value, low, high = _ratio(values, below, clusters, [(1, 1), (1, 0), (0, 1), (0, 0)])[0]
    return Estimate(value, float(np.maximum(low, 0)), high)


class Ratios(NamedTuple):
    """Of many columns at once: (m,) mean over mean, its standard error, and the degrees of freedom."""

    value: np.ndarray
    error: np.ndarray
    freedom: np.ndarray


def ratios(
    above: np.ndarray, below: np.ndarray, told: np.ndarray | None = None, clusters: np.ndarray | None = None
) -> Ratios:
    """mean(above) / mean(below) of every column of two measurements (n, m) of the same images, as `estimate` has it of one.

    `told` (n, m): how much of what is known rests on each image, where not all count alike: degrees of freedom are of as many
    clusters of equal weight. NaN where a column's mean(below) is 0.
    """
    total = below.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(total != 0, above.sum(axis=0) / total, np.nan)
    sums, _ = _sums(above - value * below, clusters)
    weights, _ = _sums(np.ones_like(below) if told is None else told.astype(np.float64), clusters)
    squares = (weights**2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(len(sums) / (len(sums) - 1 or math.nan) * (sums**2).sum(axis=0)) / np.abs(total)
        return Ratios(value, error, weights.sum(axis=0) ** 2 / squares - 1)


def difference(a: np.ndarray, b: np.ndarray, clusters: np.ndarray | None = None, level: float = LEVEL) -> Estimate:
    """mean(a - b) for two measurements (n,) of the same images, with its interval; see `estimate`."""
    return _difference(a, b, clusters, level)[0]


def smallest_difference(
    a: np.ndarray, b: np.ndarray | float = 0.0, clusters: np.ndarray | None = None, level: float = LEVEL
) -> float:
    """The smallest true difference between two measurements (n,) of the same images that a sample like this one would show
    in 80% of samples: its interval would leave out zero. It follows from the spread, not from the difference found."""
    _, error, freedom = _difference(a, b, clusters, level)
    return (student_quantile((1 + level) / 2, freedom) + student_quantile(POWER, freedom)) * error


def level_among(pairs: int) -> float:
    """The level of each of so many intervals that are all right in 95% of samples (Bonferroni), so that the largest difference of
    them may be picked."""
    return 1 - (1 - LEVEL) / max(1, pairs)


def apart(
    a: np.ndarray, b: np.ndarray, a_clusters: np.ndarray | None = None, b_clusters: np.ndarray | None = None
) -> tuple[Estimate, float]:
    """mean(a) - mean(b) for measurements (n,) and (m,) of different images, with its interval, and the smallest true
    difference that such samples would show with 80% power (Welch 1947; truth values as Agresti and Caffo 2000)."""
    parts = []
    for values, clusters in ((a, a_clusters), (b, b_clusters)):
        possible = [(1, 1), (0, 1)] if _truths(values) else []
        parts.append(_ratio(values, np.ones(len(values)), clusters, possible))
    (first, first_error, first_free), (second, second_error, second_free) = parts
    error = math.hypot(first_error, second_error)
    weights = first_error**4 / first_free + second_error**4 / second_free if min(first_free, second_free) > 0 else 0.0
    freedom = error**4 / weights if weights > 0 else min(first_free, second_free)
    value = first.value - second.value
    # The middle of either interval is where its estimate begins from.
    middle = (first.low + first.high) / 2 - (second.low + second.high) / 2
    margin = student_quantile((1 + LEVEL) / 2, freedom) * error
    smallest = margin + student_quantile(POWER, freedom) * error
    return _around(value, middle, margin), smallest


def combination(*terms: tuple[float, Estimate]) -> Estimate:
    """A weighted sum of estimates, from their intervals alone (MOVER: Zou and Donner 2008). They count as independent: of the
    same images, whose estimates rise and fall together, a difference's interval is too wide rather than too narrow."""
    value, below, above = 0.0, 0.0, 0.0
    for weight, (middle, low, high) in terms:
        value += weight * middle
        down, up = (middle - low, high - middle) if weight > 0 else (high - middle, middle - low)
        below, above = math.hypot(below, weight * down), math.hypot(above, weight * up)
    return Estimate(value, value - below, value + above)


def smallest_like(found: Estimate, level: float = LEVEL) -> float:
    """The smallest true difference whose interval, as wide as this one of that level, would leave out zero in 80% of samples."""
    reach = Z if level == LEVEL else student_quantile((1 + level) / 2, 1e6)
    return (1 + student_quantile(POWER, 1e6) / reach) * (found.high - found.low) / 2


def smallest_share(chance: float, n: float) -> float:
    """The smallest true share that `n` independent images would show to be above `chance` (its exact interval would leave it
    out) in 80% of samples; 1 where n is too small for any."""
    tail = (1 - LEVEL) / 2
    low, high = 0, math.ceil(n) + 1  # the fewest hits that lie above chance
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (low, middle) if middle <= n and beta_tail(chance, middle, n - middle + 1) <= tail else (middle, high)
        )
    return beta_quantile(POWER, high, n - high + 1) if high <= n else 1.0


def effective(values: np.ndarray, clusters: np.ndarray | None = None) -> float:
    """How many independent images tell as much about the mean of `values` (n,) as these: n over the design effect, at most
    n. The number of clusters where all values are equal, since nothing is known then of how alike a cluster's images are."""
    values = np.asarray(values, np.float64)
    n = len(values)
    if clusters is None:
        return float(n)
    spread = float(values.var())
    if spread == 0:
        return float(len(np.unique(clusters)))
    error, freedom = _error(values - values.mean(), np.ones(n), clusters)
    if freedom <= 0:
        return 1.0
    if error == 0:  # clusters that all have the same mean vary less than independent images would
        return float(n)
    found = spread / error**2 * (student_quantile(0.975, n - 1) / student_quantile(0.975, freedom)) ** 2
    return min(float(n), max(1.0, found))


def resampled(values: np.ndarray, clusters: np.ndarray | None = None, rounds: int = 1000, seed: int = 0) -> np.ndarray:
    """Means over resampled images, or clusters of them, (rounds, ...) of values (n, ...): every column sees the same
    resamples, so that differences and ratios of columns are paired (Efron 1979). Raises ValueError for no images."""
    values = np.asarray(values, np.float64)
    if len(values) == 0:
        raise ValueError("Nothing to resample.")
    draws = np.random.default_rng(seed)
    flat, sizes = _sums(values.reshape(len(values), -1), clusters)
    n = len(flat)
    shares = np.full(n, 1 / n)
    if n > MANY:  # clusters with the same values are one cell: right or wrong makes two of them, in pairs four
        cells, counts = np.unique(np.column_stack([sizes, flat]), axis=0, return_counts=True)
        if len(cells) < n / 2:
            sizes, flat, shares = cells[:, 0], cells[:, 1:], counts / n
    parts, at_once = [], max(1, min(100, LARGEST_TABLE // len(flat)))
    for start in range(0, rounds, at_once):
        counts = draws.multinomial(n, shares, size=min(at_once, rounds - start))
        parts.append(counts @ flat / (counts @ sizes)[:, None])
    return np.concatenate(parts).reshape(rounds, *values.shape[1:])


def percentiles(draws: np.ndarray, n: int, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of a statistic of resampled means (rounds, ...) from n images or clusters: percentiles a little further
    out than the level's own (2.5 and 97.5 for 95%) where n is small (the expanded percentile interval, Hesterberg 2015).
    NaN rounds do not count; NaN for n < 2."""
    if n < 2:
        nothing = np.full(np.shape(draws)[1:], np.nan)
        return nothing, nothing
    reach = student_quantile((1 + level) / 2, n - 1) * math.sqrt(n / (n - 1))
    tail = 50 * math.erfc(reach / math.sqrt(2))
    low, high = np.nanpercentile(draws, (tail, 100 - tail), axis=0)
    return low, high


def count(clusters: np.ndarray | None, n: int) -> int:
    """How many clusters there are among n images: n where none are known."""
    return n if clusters is None else len(np.unique(clusters))


def mcnemar(a: np.ndarray, b: np.ndarray, clusters: np.ndarray | None = None) -> float:
    """Two-sided p-value that two classifiers are right equally often on the same images.

    a, b (n,) bool. Only the images count that exactly one of them gets right; 1 where there are none. Exact (McNemar 1947);
    with `clusters` from the clusters' sums (Obuchowski 1998).
    """
    a, b = np.asarray(a, bool), np.asarray(b, bool)
    _same_images(a, b)
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    n, fewer = only_a + only_b, min(only_a, only_b)
    if n == 0:
        return 1.0
    if clusters is not None and len(np.unique(clusters)) < len(a):
        sums, _ = _sums(a.astype(np.float64) - b, clusters)
        return math.erfc(abs(sums.sum()) / math.sqrt(2 * (sums**2).sum())) if sums.any() else 1.0
    logs = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2) for k in range(fewer + 1)
    ]
    return min(1.0, 2 * math.fsum(math.exp(value) for value in logs))


STILL = 1e-6
"""Change relative to size: what is less is rounding."""


def standard(values: np.ndarray) -> np.ndarray:
    """Columns (N, n) float32 less their mean, at length one: their products are correlations. Still ones are 0."""
    centred = values.astype(np.float32)
    mean = centred.mean(axis=0)
    centred -= mean
    length = np.sqrt(np.einsum("ij,ij->j", centred, centred))
    alive = length > STILL * np.sqrt(length**2 + len(values) * mean**2)
    centred *= np.divide(1, length, out=np.zeros_like(length), where=alive)
    return centred


def correlation_interval(r: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The 95% interval of correlations of n independent pairs, by Fisher's transformation; everything where n is below 4."""
    if n < 4:
        return np.full_like(r, -1), np.full_like(r, 1)
    middle, error = np.arctanh(np.clip(r, -1 + STILL, 1 - STILL)), Z / np.sqrt(n - 3)
    return np.tanh(middle - error), np.tanh(middle + error)


def _share(values: np.ndarray, clusters: np.ndarray | None) -> Estimate:
    if not len(values):
        raise ValueError("Nothing to measure.")
    value, n = float(values.mean()), effective(values, clusters)
    return Estimate(value, *share(value * n, n))


def _difference(
    a: np.ndarray, b: np.ndarray | float, clusters: np.ndarray | None, level: float
) -> tuple[Estimate, float, float]:
    a, b = np.asarray(a), np.broadcast_to(np.asarray(b), np.shape(a)) if np.ndim(b) == 0 else np.asarray(b)
    _same_images(a, b)
    possible = [(1, 1), (-1, 1), (0, 1), (0, 1)] if _truths(a, b) else []
    return _ratio(a.astype(np.float64) - b, np.ones(len(a)), clusters, possible, level)


def _ratio(
    above: np.ndarray,
    below: np.ndarray,
    clusters: np.ndarray | None,
    possible: list[tuple[int, int]],
    level: float = LEVEL,
) -> tuple[Estimate, float, float]:
    """(estimate of mean(above) / mean(below), its standard error, degrees of freedom). `possible`: pairs of values that are
    counted as a cluster each, on top of what was found."""
    above, below = np.asarray(above, np.float64), np.asarray(below, np.float64)
    _same_images(above, below)
    if not len(above):
        raise ValueError("Nothing to measure.")
    if not below.any():
        return Estimate(math.nan, math.nan, math.nan), math.nan, 0.0
    value = float(above.sum() / below.sum())
    size = len(above) / count(clusters, len(above))
    extra = size * np.array(possible, np.float64).reshape(-1, 2)
    middle = float((above.sum() + extra[:, 0].sum()) / (below.sum() + extra[:, 1].sum()))
    error, freedom = _error(above - middle * below, below, clusters, extra @ (1, -middle), extra[:, 1].sum())
    margin = student_quantile((1 + level) / 2, freedom) * error
    return _around(value, middle, margin), error, freedom


def _around(value: float, middle: float, margin: float) -> Estimate:
    """The interval around `middle`, with the value inside."""
    return Estimate(value, float(np.minimum(value, middle - margin)), float(np.maximum(value, middle + margin)))


def _error(
    residuals: np.ndarray,
    below: np.ndarray,
    clusters: np.ndarray | None,
    further: np.ndarray | tuple[()] = (),
    weight: float = 0.0,
) -> tuple[float, float]:
    """(standard error of a linearised ratio, degrees of freedom): of as many clusters of equal size as would vary as little."""
    sums, sizes = _sums(residuals, clusters)
    freedom = float(sizes.sum() ** 2 / (sizes**2).sum() - 1)
    if len(sums) < 2:
        return math.nan, 0.0
    squares = len(sums) / (len(sums) - 1) * float((sums**2).sum()) + float(np.square(further).sum())
    return math.sqrt(squares) / float(below.sum() + weight), freedom


def _sums(values: np.ndarray, clusters: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """(sums (g, ...), sizes (g,)) of the values (n, ...) of each cluster, in the order of their ids."""
    if clusters is None:
        return values, np.ones(len(values))
    _same_images(values[:, 0] if values.ndim > 1 else values, np.asarray(clusters))
    _, member, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    sums = np.zeros((len(sizes), *values.shape[1:]))
    np.add.at(sums, member, values)
    return sums, sizes.astype(np.float64)


def _truths(*measured: np.ndarray | float) -> bool:
    return all(np.asarray(values).dtype == bool for values in measured)


def _same_images(a: np.ndarray, b: np.ndarray) -> None:
    if a.shape != b.shape:
        raise ValueError(f"Not the same images: {a.shape} and {b.shape}.")
