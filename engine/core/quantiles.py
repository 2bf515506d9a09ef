"""Quantiles of the beta and of Student's distribution, of which intervals are made; no library that is needed has them."""

from __future__ import annotations

import math
from functools import lru_cache

STEPS = 100
CLOSE = 1e-13


def beta_tail(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b): how much of a beta distribution lies below x. Of a binomial with
    n trials of chance x it is the chance of at least a hits, with b = n - a + 1 (Abramowitz and Stegun 26.5.24)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_tail(1 - x, b, a) if x != (a + 1) / (a + b + 2) else 0.5
    return math.exp(_log_weight(x, a, b)) / a * _fraction(x, a, b)


@lru_cache(65536)
def beta_quantile(q: float, a: float, b: float) -> float:
    """Where a share q of a beta distribution lies below."""
    low, high = 0.0, 1.0
    x = a / (a + b)
    for _ in range(STEPS):
        off = beta_tail(x, a, b) - q
        low, high = (x, high) if off < 0 else (low, x)
        slope = math.exp(_log_weight(x, a, b) - math.log(x) - math.log1p(-x)) if 0 < x < 1 else 0.0
        step = x - off / slope if slope > 0 else -1.0
        new = step if low < step < high else (low + high) / 2  # Newton's, or bisection where that leads away
        if abs(new - x) <= CLOSE * max(new, CLOSE) or high - low < CLOSE * high:
            return new
        x = new
    return x


@lru_cache(4096)
def student_quantile(q: float, freedom: float) -> float:
    """Where a share q > 1/2 of Student's distribution lies below; NaN for no degrees of freedom."""
    if not freedom > 0:
        return math.nan
    x = beta_quantile(2 * (1 - q), freedom / 2, 0.5)
    return math.sqrt(freedom * (1 - x) / x)


def student_tail(t: float, freedom: float) -> float:
    """How much of Student's distribution lies as far from 0 as t, on both sides; NaN for no degrees of freedom."""
    return beta_tail(freedom / (freedom + t * t), freedom / 2, 0.5) if freedom > 0 else math.nan


def _log_weight(x: float, a: float, b: float) -> float:
    """log of x^a (1 - x)^b / B(a, b)."""
    return math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method (Press et al., Numerical Recipes, 6.4)."""
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d or tiny)
    result = d
    for m in range(1, 10_000):
        for top in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + top * d) or tiny)
            c = (1 + top / c) or tiny
            result *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return result
