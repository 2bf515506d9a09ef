"""Accuracy along a row of filters: normalised curve, the area under it, and where half of it is gone.

The intervals of `area` and `half_cutoff` come from resampling images (or clusters of them), the same for every point of a
curve, so that the curve's shape is kept. An end is infinite where more resamples lie beyond the cut-offs on that side than an
interval leaves out.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from engine.core.statistics import LEVEL, count, estimate, percentiles, resampled


class Curve(NamedTuple):
    """right (n, filters) bool, full: right unfiltered (n,) bool, and the cut-offs (filters,)."""

    right: np.ndarray
    full: np.ndarray
    cutoffs: Sequence[float]


def curve_facts(
    top1: np.ndarray,
    top5: np.ndarray,
    full1: np.ndarray,
    full5: np.ndarray,
    cutoffs: Sequence[float] | None = None,
    clusters: np.ndarray | None = None,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """(a row for each filter, facts of the whole curve).

    top1, top5 (n, filters) bool, full1, full5 (n,) bool of the unfiltered images, clusters (n,): which images belong
    together. Rows: n, top1, top5, `normalised` (top-1 over the unfiltered top-1) and `top5_normalised`, with intervals as
    `..._low`, `..._high`; NaN where nothing is right unfiltered. With `cutoffs` (filters,) the facts are `area` and
    `half_cutoff` (see the functions of those names), each (value, low, high), or None where it does not exist.
    """
    n, width = top1.shape
    rows = [
        {
            "n": n,
            **_interval("top1", top1[:, place], None, clusters),
            **_interval("top5", top5[:, place], None, clusters),
            **_interval("normalised", top1[:, place], full1, clusters),
            **_interval("top5_normalised", top5[:, place], full5, clusters),
        }
        for place in range(width)
    ]
    if cutoffs is None:
        return rows, {}
    (curves,) = _resampled([Curve(top1, full1, cutoffs)], clusters)
    return rows, {name: _told(measure(curves, cutoffs), count(clusters, n)) for name, measure in MEASURES.items()}


def paired_curves(
    a: Curve, b: Curve, clusters: np.ndarray | None = None, level: float = LEVEL
) -> dict[str, list[float] | None]:
    """How two models' normalised curves differ on the same images: `area` and `half_cutoff` of a minus b, each as (value,
    low, high), resampled together; None where it does not exist. `clusters` (n,): which images belong together; `level`: of
    the intervals."""
    first, second = _resampled([a, b], clusters)
    n = count(clusters, len(a.full))
    with np.errstate(invalid="ignore"):  # of two that both lie beyond the cut-offs the difference is unknown
        apart = {name: measure(first, a.cutoffs) - measure(second, b.cutoffs) for name, measure in MEASURES.items()}
    return {name: _told(values, n, level) for name, values in apart.items()}


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
    curve falls): the first crossing on the way. Minus or plus infinity where a curve does not cross between the cut-offs: the
    side on which it would. NaN for a curve without values.
    """
    x = np.asarray(cutoffs, np.float64)
    return np.array([_crossing(curve, x) for curve in curves])


def _crossing(curve: np.ndarray, x: np.ndarray) -> float:
    if np.isnan(curve).any():
        return np.nan
    order = np.arange(len(x)) if curve[0] > curve[-1] else np.arange(len(x))[::-1]
    for one, other in itertools.pairwise(order):
        if curve[one] >= 0.5 > curve[other]:
            return x[one] + (curve[one] - 0.5) / (curve[one] - curve[other]) * (x[other] - x[one])
    beyond = order[-1] if curve[order[0]] >= 0.5 else order[0]
    return -np.inf if beyond == 0 else np.inf


MEASURES = {"area": area, "half_cutoff": half_cutoff}


def _resampled(curves: Sequence[Curve], clusters: np.ndarray | None) -> list[np.ndarray]:
    """Of each curve the normalised values (1 + rounds, filters): first as measured, then of resampled images, the same ones
    for all curves."""
    stacked = np.column_stack([part for curve in curves for part in (curve.right, curve.full)]).astype(np.float64)
    means = np.concatenate([stacked.mean(0)[None], resampled(stacked, clusters)])
    normalised, start = [], 0
    for curve in curves:
        whole = start + curve.right.shape[1]
        below = means[:, whole : whole + 1]
        normalised.append(means[:, start:whole] / np.where(below == 0, np.nan, below))
        start = whole + 1
    return normalised


def _told(values: np.ndarray, n: int, level: float = LEVEL) -> list[float] | None:
    """(value, low, high) of n images or clusters, from the value and what resampling made of it (1 + rounds,); None where
    there is no value."""
    value, rounds = float(values[0]), values[1:]
    if not np.isfinite(value):
        return None
    if np.isnan(rounds).mean() > (1 - level) / 2:  # they may lie on either side
        return [value, -np.inf, np.inf]
    with np.errstate(invalid="ignore"):
        low, high = map(float, percentiles(rounds, n, level))
    if n < 2 or np.isfinite([low, high]).all():
        return [value, low, high]
    return [value, low if np.isfinite(low) else -np.inf, high if np.isfinite(high) else np.inf]


def _interval(name: str, right: np.ndarray, full: np.ndarray | None, clusters: np.ndarray | None) -> dict[str, float]:
    value, low, high = estimate(right, full, clusters)
    return {name: value, f"{name}_low": low, f"{name}_high": high}
