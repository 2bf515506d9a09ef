"""Shares of 1 and ratios as people read them."""

from __future__ import annotations

import math


def percent(value: float, digits: int = 0) -> str:
    """A share of 1 in hundredths. What is nearly all or nearly nothing is not rounded to it: 99.7, 0.2, over 99.9. What is no
    share, like a ratio below 0, is rounded as it is; never to minus nothing."""
    told = f"{round(100 * value, digits) + 0.0:.{digits}f}"
    if not 0 < value < 1 or 0 < float(told) < 100:
        return told.replace("-", "−")
    step = 0.1 ** (digits + 1)
    finer = f"{100 * value:.{digits + 1}f}"
    if 0 < float(finer) < 100:
        return finer
    return f"over {100 - step:.{digits + 1}f}" if value > 0.5 else f"under {step:.{digits + 1}f}"


def share(value: float, digits: int = 0) -> str:
    """A share of 1 as a percentage, see `percent`."""
    return f"{percent(value, digits)}%"


def times(ratio: float, low: float = math.nan) -> str:
    """A ratio where there is no room for its interval, of which `low` is the lower end: 2.3×. Nothing where there is none, or
    where it may as well be 0: what it is divided by is then too near 0 to compare with."""
    return f"{ratio:.1f}×" if math.isfinite(ratio) and not low <= 0 else ""


def shares(value: float, low: float, high: float, digits: int = 0, to: str = " to ") -> str:
    """A share of 1 and its interval: 43% (40 to 46%)."""
    return f"{share(value, digits)} ({percent(low, digits)}{to}{share(high, digits)})"
