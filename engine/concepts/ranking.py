"""How well numbers tell some rows from the others: AUROC and average precision of every unit against every tag.

Invariant: equal values share their rank, so that no order of the rows can make a unit look better or worse.
"""

from __future__ import annotations

import numpy as np


def mid_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks (N, U) float64 of each column of values (N, U), 1 for the smallest; equal values get the mean of theirs."""
    first, last, order = _ties(values)
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=0)
    return ranks


def at_least(values: np.ndarray) -> np.ndarray:
    """(N, U): how many values of the column are at least as large as this one, itself among them."""
    first, _, order = _ties(values)
    counts = np.empty(values.shape)
    np.put_along_axis(counts, order, len(values) - first.astype(np.float64), axis=0)
    return counts


def auroc(ranks: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Area under the receiver operating characteristic (U, T) of every unit for every tag: one matrix product.

    `ranks` (N, U) from `mid_ranks`, `truth` (N, T) bool. It is the share of pairs of one row with the tag and one
    without in which the first has the larger value, a tie counting half (Hanley and McNeil 1982). NaN for a tag of all
    rows or none.
    """
    inside = truth.sum(axis=0, dtype=np.float64)
    outside = len(truth) - inside
    sums = ranks.T @ truth.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (sums - inside * (inside + 1) / 2) / (inside * outside)


def average_precision(counts: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Average precision (U, T) of every unit for every tag: the mean, over the rows with the tag, of the share with the tag
    among all rows whose value is at least as large (no interpolation; tied rows come in together).

    `counts` (N, U) from `at_least`, `truth` (N, T) bool. NaN for a tag of no row.
    """
    found = np.full((counts.shape[1], truth.shape[1]), np.nan)
    for column, inside in enumerate(truth.T):
        if not inside.any():
            continue
        retrieved = np.sort(counts[inside], axis=0)
        hits = np.broadcast_to(np.arange(1.0, len(retrieved) + 1)[:, None], retrieved.shape).copy()
        hits[:-1][retrieved[:-1] == retrieved[1:]] = np.inf
        hits = np.minimum.accumulate(hits[::-1], axis=0)[::-1]
        found[:, column] = (hits / retrieved).mean(axis=0)
    return found


def _ties(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each column in rising order: the first and the last place of the values equal to this one; and the order."""
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    places = np.broadcast_to(np.arange(len(values))[:, None], values.shape)
    starts, ends = np.zeros(values.shape, bool), np.zeros(values.shape, bool)
    starts[:1], ends[-1:] = True, True
    starts[1:] = ordered[1:] != ordered[:-1]
    ends[:-1] = starts[1:]
    first = np.maximum.accumulate(np.where(starts, places, 0), axis=0)
    last = np.minimum.accumulate(np.where(ends, places, len(values))[::-1], axis=0)[::-1]
    return first, last, order
