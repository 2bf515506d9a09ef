"""One yardstick for tags of every size: how surprising it is that random kinds would stand as high as a tag's kinds do.

Invariant: a larger mean rank is never less surprising.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

STEPS = 4096
"""Mean ranks, between 0 and 1, that a table tells apart."""
EXACT = 64
"""From so many kinds on, the mean of their ranks is as good as normal."""
_CELLS = 200  # of the unit interval, in which sums of ranks are added up
_NODES = 120  # at which the strongest kind's rank is integrated over
_FLOOR = -690.0  # log of the least probability that is told apart


def yardstick(sizes: Iterable[int]) -> dict[int, np.ndarray]:
    """For each number of kinds k >= 2 a table (STEPS + 1,): -log10 of the probability that, of k kinds at random places,
    the k - 1 kinds below the strongest one have a mean rank of at least i / STEPS, ranks being places between 0 and 1.

    Given the strongest at m, the others are uniform below m, so the probability is the integral over m of
    k m^(k-1) P(sum of k - 1 uniforms >= s / m) (Irwin 1927, Hall 1927); the sums' distribution is added up cell by
    cell, without a subtraction, so that it is right far out as well. From EXACT kinds on it is the normal distribution
    of the same mean and variance. It ranks tags of different sizes fairly; what is significant, shuffled worlds say.
    """
    wanted = sorted(set(sizes))
    tables = {k: _normal(k) for k in wanted if k > EXACT}
    density, cell = np.ones(1), np.full(_CELLS, 1 / _CELLS)
    for n in range(1, min(max(wanted, default=0), EXACT)):
        density = np.convolve(density, cell)
        if n + 1 in wanted:
            tables[n + 1] = _integrated(n + 1, density)
    return tables


def _integrated(k: int, density: np.ndarray) -> np.ndarray:
    """The table from the distribution of the sum of k - 1 uniforms in cells."""
    n = k - 1
    with np.errstate(divide="ignore"):
        tail = np.log(np.cumsum(density[::-1])[::-1])
    edges = np.arange(len(density)) / _CELLS + n / (2 * _CELLS) - 1 / (2 * _CELLS)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    sums = np.linspace(0, n, STEPS + 1)
    chance = np.zeros(len(sums))
    for strongest, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        log = np.interp(sums / strongest, edges, tail, left=0.0, right=_FLOOR)
        chance += weight * k * strongest ** (k - 1) * np.exp(np.maximum(log, _FLOOR))
    beyond = (1 - sums / n) ** k  # all k are above the mean asked for: a lower bound where a cell is too coarse
    return _monotone(np.maximum(chance, beyond))


def _normal(k: int) -> np.ndarray:
    """The sum of k - 1 below the strongest of k uniforms: mean k/2 - k/(k+1), variance k/12 - k Var(strongest)."""
    mean = k / 2 - k / (k + 1)
    spread = math.sqrt(k / 12 - k * k / ((k + 1) ** 2 * (k + 2)))
    sums = np.linspace(0, k - 1, STEPS + 1)
    return _monotone(np.array([math.erfc((one - mean) / spread / math.sqrt(2)) / 2 for one in sums]))


def _monotone(chance: np.ndarray) -> np.ndarray:
    return np.maximum.accumulate(-np.log10(np.clip(chance, 1e-299, 1.0)))
