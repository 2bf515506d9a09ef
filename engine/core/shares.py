"""Shares of 1 as people read them: percentages, with their intervals."""

from __future__ import annotations


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


def shares(value: float, low: float, high: float, digits: int = 0, to: str = " to ") -> str:
    """A share of 1 and its interval: 43% (40 to 46%)."""
    return f"{share(value, digits)} ({percent(low, digits)}{to}{share(high, digits)})"
