"""Ranks against truth: areas and precisions are what plain loops give."""

from __future__ import annotations

import numpy as np
import pytest

from engine.concepts.purity.ranking import (
    auroc,
    average_precision,
    best_kinds,
    kind_means,
    mid_ranks,
    ranks_and_counts,
    singled_out_by_chance,
)
from tests.engine.concepts.known_units import truth


@pytest.fixture(scope="module")
def tied() -> tuple[np.ndarray, np.ndarray]:
    """Values (40, 6) with many ties, a constant unit among them, and truth (40, 5)."""
    draws = np.random.default_rng(1)
    values = draws.integers(0, 6, (40, 6)).astype(np.float32)
    values[:, 5] = 3
    return values, draws.random((40, 5)) < 0.3


def test_auroc_is_the_share_of_pairs_in_the_right_order(tied) -> None:
    values, known = tied
    found = auroc(mid_ranks(values), known)
    for unit, column in np.ndindex(found.shape):
        inside, outside = values[known[:, column], unit], values[~known[:, column], unit]
        pairs = [(a > b) + 0.5 * (a == b) for a in inside for b in outside]
        assert found[unit, column] == pytest.approx(np.mean(pairs))
    assert found[5] == pytest.approx(0.5)


def test_average_precision_is_the_area_under_precision_over_recall_threshold_by_threshold(tied) -> None:
    values, known = tied
    found = average_precision(ranks_and_counts(values)[1], known)
    for unit, column in np.ndindex(found.shape):
        total, recall = 0.0, 0.0
        for threshold in sorted(set(values[:, unit]), reverse=True):
            retrieved = values[:, unit] >= threshold
            right = (retrieved & known[:, column]).sum()
            now = right / known[:, column].sum()
            total, recall = total + (now - recall) * right / retrieved.sum(), now
        assert found[unit, column] == pytest.approx(total)
    assert found[5] == pytest.approx(known.mean(axis=0))


def test_a_tag_of_no_row_has_no_precision() -> None:
    assert np.isnan(average_precision(ranks_and_counts(np.eye(3))[1], np.zeros((3, 1), bool))).all()


def test_the_best_kind_and_its_precision_are_what_plain_loops_give() -> None:
    kinds = np.random.default_rng(0).permutation(np.repeat(np.arange(8), [2, 2, 2, 3, 3, 3, 4, 1])).astype(np.int32)
    values = np.random.default_rng(2).integers(0, 9, (20, 12)).astype(np.float64)
    best, areas, precision = best_kinds(values, kinds)
    for unit in range(12):
        every = [auroc(mid_ranks(values[:, [unit]]), (kinds == kind)[:, None])[0, 0] for kind in range(8)]
        assert areas[unit] == pytest.approx(max(every))
        assert every[best[unit]] == pytest.approx(max(every))
        reached = values[:, unit] >= values[kinds == best[unit], unit].min()
        assert precision[unit] == pytest.approx((kinds[reached] == best[unit]).mean())
    assert kind_means(values, kinds)[3] == pytest.approx(values[kinds == 3].mean(axis=0))


def test_random_units_hardly_ever_single_out_a_kind() -> None:
    # Both scenes of one kind among the first four of 480: six pairs, each of one kind in 1 of 479 cases.
    assert singled_out_by_chance(truth().kinds) == pytest.approx(6 / 479, abs=0.008)
