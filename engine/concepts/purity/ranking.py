"""How well activations separate some rows from the others: AUROC and average precision of every unit for every tag.

Invariant: equal values share their rank, so that no order of the rows can make a unit look better or worse.
"""

from __future__ import annotations

import numpy as np


def mid_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks (N, U) float64 of each column of values (N, U), 1 for the smallest; equal values get the mean of theirs."""
    return ranks_and_counts(values)[0]


def ranks_and_counts(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`mid_ranks`, and how many values of the column are at least as large as each one, itself among them: (N, U) both."""
    lines = np.ascontiguousarray(values.T)
    order = np.argsort(lines, axis=1)
    ordered = np.take_along_axis(lines, order, axis=1)
    starts = np.ones(lines.shape, bool)
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=starts[:, 1:])
    ends = np.ones(lines.shape, bool)
    ends[:, :-1] = starts[:, 1:]
    places = np.arange(lines.shape[1], dtype=np.int32)
    first = np.maximum.accumulate(np.where(starts, places, 0), axis=1)
    last = np.minimum.accumulate(np.where(ends, places, lines.shape[1])[:, ::-1], axis=1)[:, ::-1]
    ranks, counts = np.empty(lines.shape), np.empty(lines.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=1)
    np.put_along_axis(counts, order, lines.shape[1] - first.astype(np.float64), axis=1)
    return ranks.T, counts.T


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

    `counts` (N, U) from `ranks_and_counts`, `truth` (N, T) bool. NaN for a tag of no row.
    """
    precision = np.full((counts.shape[1], truth.shape[1]), np.nan)
    for column, inside in enumerate(truth.T):
        if not inside.any():
            continue
        retrieved = np.sort(counts[inside], axis=0)
        hits = np.broadcast_to(np.arange(1.0, len(retrieved) + 1)[:, None], retrieved.shape).copy()
        hits[:-1][retrieved[:-1] == retrieved[1:]] = np.inf
        hits = np.minimum.accumulate(hits[::-1], axis=0)[::-1]
        precision[:, column] = (hits / retrieved).mean(axis=0)
    return precision


SINGLED_OUT = 0.5
"""A unit singles out a kind if at least this share of the scenes as strong as that kind's weakest are of that kind."""


def best_kinds(values: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each unit, from values (N, U) on scenes of these kinds (N,): the kind with the highest AUROC (U,), that AUROC
    (U,), and the share (U,) that it has among all scenes at least as strong as its weakest one: 1 where no other scene
    comes between."""
    units = np.arange(values.shape[1])
    order, counts, starts = _by_kind(kinds)
    ranks, at_least = ranks_and_counts(values)
    sums = np.add.reduceat(ranks[order], starts, axis=0)
    areas = (sums - (counts * (counts + 1) / 2)[:, None]) / (counts * (len(kinds) - counts))[:, None]
    best = areas.argmax(axis=0)
    reached = np.maximum.reduceat(at_least[order], starts, axis=0)
    return best, areas[best, units], counts[best] / reached[best, units]


def singled_out_by_chance(kinds: np.ndarray, seed: int = 0, rounds: int = 1000) -> float:
    """How often a unit that puts the scenes (N,) in a random order singles out its best kind."""
    values = np.random.default_rng(seed).random((len(kinds), rounds), np.float32)
    return float((best_kinds(values, kinds)[2] >= SINGLED_OUT).mean())


def kind_means(values: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """(K, U): the mean of values (N, U) over each kind's scenes."""
    order, counts, starts = _by_kind(kinds)
    return np.add.reduceat(values[order], starts, axis=0) / counts[:, None]


def _by_kind(kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The scenes kind by kind, how many each has, and where each begins."""
    counts = np.bincount(kinds)
    return np.argsort(kinds, kind="stable"), counts, np.concatenate([[0], np.cumsum(counts)[:-1]])
