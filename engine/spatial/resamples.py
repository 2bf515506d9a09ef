"""Resampled images while they stream by: how often each counts in each of many samples of the same size.

Invariant: images that belong together (the scenes of a matched set) are drawn together, and a set's weights follow from its
number alone, so that all layers, batches and experiments see the same samples.
"""

from __future__ import annotations

import numpy as np

from engine.core.quantiles import student_quantile
from engine.core.statistics import LEVEL, POWER

ROUNDS = 200
"""Resamples (Poisson bootstrap)."""


def weights_of(clusters: np.ndarray) -> np.ndarray:
    """(n, rounds): how often images of these sets count in each resample."""
    return np.stack([np.random.default_rng([0, int(each)]).poisson(1.0, ROUNDS) for each in clusters])


def interval(name: str, values: np.ndarray, clusters: int) -> dict[str, float]:
    """Columns `name`, `name_low`, `name_high` of a statistic (1 + rounds,), as measured and under each resampling of so many
    clusters."""
    low, high = ends(values, clusters)
    return {name: float(values[0]), f"{name}_low": low, f"{name}_high": high}


def ends(values: np.ndarray, clusters: int) -> tuple[float, float]:
    """The 95% interval of a statistic (1 + rounds,): Student's, from the spread of the resamples. (Not their percentiles: a
    median over units of noisier values lies elsewhere than the measured one.) NaN where there is no spread to be had."""
    margin = student_quantile((1 + LEVEL) / 2, clusters - 1) * _error(values, clusters)
    return float(values[0]) - margin, float(values[0]) + margin


def smallest(values: np.ndarray, clusters: int) -> float:
    """The smallest true difference from zero that a statistic (1 + rounds,) of so many clusters would show in 80% of
    samples."""
    freedom = clusters - 1
    return (student_quantile((1 + LEVEL) / 2, freedom) + student_quantile(POWER, freedom)) * _error(values, clusters)


def _error(values: np.ndarray, clusters: int) -> float:
    """Standard error. Resampling n clusters shows (n - 1) / n of their variance."""
    if clusters < 2 or np.isnan(values[1:]).all():
        return float("nan")
    return float(np.nanstd(values[1:])) * (clusters / (clusters - 1)) ** 0.5
