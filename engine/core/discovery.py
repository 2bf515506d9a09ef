"""Which of many tests count as discoveries: the false discovery rate of a layer is held, not the error of one unit."""

from __future__ import annotations

import math

import numpy as np

FALSE = 0.05
"""The share of a layer's discoveries that may be false, on average."""


def cut(p: np.ndarray, rate: float = FALSE) -> float:
    """The largest p-value of p (n,) that is a discovery at this false discovery rate (Benjamini and Hochberg 1995); 0 where
    none is.

    Valid for independent tests and for those that are positively dependent, among them p-values that are ranks in one
    common sample of the null (Bates et al. 2023).
    """
    ordered = np.sort(p)
    passed = np.flatnonzero(ordered <= rate * np.arange(1, len(p) + 1) / max(len(p), 1))
    return float(ordered[passed[-1]]) if len(passed) else 0.0


def fewest(tests: int, least: float, rate: float = FALSE) -> int:
    """How many of so many tests must reach `least`, the smallest p-value that there is (one over the members of a null and
    one), before any of them is a discovery: fewer cannot be found, however clear they are."""
    return max(1, math.ceil(tests * least / rate - 1e-9))
