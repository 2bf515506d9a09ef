"""Accuracy along a row of filters: normalised curve, the area under it, and where half of it is gone.

All intervals come from resampling images, the same for every point of a curve, so that the curve's shape is kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.core.statistics import HIGH, LOW, bootstrap_means, wilson


def curve_facts(
    top1: np.ndarray,
    top5: np.ndarray,
    full1: np.ndarray,
    full5: np.ndarray,
    cutoffs: Sequence[float] | None = None,
    rounds: int = 1000,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """(a row for each filter, facts of the whole curve).

    top1, top5 (n, filters) bool, full1, full5 (n,) bool of the unfiltered images. Rows: n, top1, top5 with Wilson's
    interval as `..._low`, `..._high`; `normalised` (top-1 over the unfiltered top-1) and `top5_normalised`, with bootstrap
    intervals; NaN where nothing is right unfiltered. With `cutoffs` (filters,) the facts are `area` and `half_cutoff` (see the
    functions of those names), each (value, low, high), or None where it does not exist.
    """
    n, width = top1.shape
    stacked = np.column_stack([top1, top5, full1, full5]).astype(np.float64)
    means = bootstrap_means(stacked, rounds)
    value, seen = _normalised(stacked.mean(0)[None], width)[0], _normalised(means, width)
    low, high = _spread(seen)
    rows = [
        {
            "n": n,
            **_share("top1", top1[:, place]),
            **_share("top5", top5[:, place]),
            "normalised": value[place],
            "normalised_low": low[place],
            "normalised_high": high[place],
            "top5_normalised": value[width + place],
            "top5_normalised_low": low[width + place],
            "top5_normalised_high": high[width + place],
        }
        for place in range(width)
    ]
    if cutoffs is None:
        return rows, {}
    about: dict[str, Any] = {}
    for name, measure in (("area", area), ("half_cutoff", half_cutoff)):
        best = measure(value[None, :width], cutoffs)[0]
        about[name] = None if np.isnan(best) else [float(best), *map(float, _spread(measure(seen[:, :width], cutoffs)))]
    return rows, about


def paired_curves(
    a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray], cutoffs: Sequence[float], rounds: int = 1000
) -> dict[str, list[float] | None]:
    """How two models' normalised curves differ on the same images: `area` and `half_cutoff` of a minus b, each as (value,
    low, high), resampled together; None where it does not exist.

    a, b: each (right (n, filters) bool, right unfiltered (n,) bool).
    """
    width = len(cutoffs)
    stacked = np.column_stack([a[0], a[1], b[0], b[1]]).astype(np.float64)
    means = np.concatenate([stacked.mean(0)[None], bootstrap_means(stacked, rounds)])
    differences: dict[str, list[float] | None] = {}
    for name, measure in (("area", area), ("half_cutoff", half_cutoff)):
        first, second = (
            measure(part[:, :width] / np.where(part[:, width:] == 0, np.nan, part[:, width:]), cutoffs)
            for part in (means[:, : width + 1], means[:, width + 1 :])
        )
        apart = first - second
        differences[name] = None if np.isnan(apart[0]) else [float(apart[0]), *map(float, _spread(apart[1:]))]
    return differences


def area(curves: np.ndarray, cutoffs: Sequence[float]) -> np.ndarray:
    """(m,): the mean height of curves (m, filters) between the first and the last cut-off, by the trapezoid rule.

    1 for a curve that the filter does not touch; NaN for a single cut-off.
    """
    if len(cutoffs) < 2:
        return np.full(len(curves), np.nan)
    x = np.asarray(cutoffs, np.float64)
    return ((curves[:, 1:] + curves[:, :-1]) / 2 * np.diff(x)).sum(1) / (x[-1] - x[0])


def half_cutoff(curves: np.ndarray, cutoffs: Sequence[float]) -> np.ndarray:
    """(m,): the cut-off at which curves (m, filters) cross 0.5, between two points on a straight line.

    Read from the end that filters least (the last cut-off of a low-pass, whose curve rises; the first of a high-pass, whose
    curve falls): the first crossing on the way. NaN where a curve does not cross.
    """
    x = np.asarray(cutoffs, np.float64)
    crossings = np.full(len(curves), np.nan)
    for row, curve in enumerate(curves):
        order = np.arange(len(x)) if curve[0] > curve[-1] else np.arange(len(x))[::-1]
        for one, other in itertools.pairwise(order):
            if curve[one] >= 0.5 > curve[other]:
                crossings[row] = x[one] + (curve[one] - 0.5) / (curve[one] - curve[other]) * (x[other] - x[one])
                break
    return crossings


def _normalised(means: np.ndarray, width: int) -> np.ndarray:
    """(m, 2 x filters): both accuracies over their unfiltered ones, from means (m, 2 x filters + 2)."""
    whole = np.where(means[:, 2 * width :] == 0, np.nan, means[:, 2 * width :])
    return np.concatenate([means[:, :width] / whole[:, :1], means[:, width : 2 * width] / whole[:, 1:]], axis=1)


def _spread(values: np.ndarray) -> np.ndarray:
    """(2, ...): the percentile interval over the first axis; NaN where all is NaN."""
    if np.isnan(values).all():
        return np.full((2, *values.shape[1:]), np.nan)
    return np.nanpercentile(values, (LOW, HIGH), axis=0)


def _share(name: str, right: np.ndarray) -> dict[str, float]:
    low, high = wilson(int(right.sum()), len(right))
    return {name: float(right.mean()), f"{name}_low": low, f"{name}_high": high}
