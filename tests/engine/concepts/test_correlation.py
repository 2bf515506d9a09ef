"""Standardised activations: correlations as NumPy's, and a unit that never changes follows nothing."""

from __future__ import annotations

import numpy as np
import pytest

from engine.concepts.correlation import combine, correlation, correlations, pursue, standard
from engine.concepts.halves import halves


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_columns_have_mean_zero_and_length_one_and_their_products_are_correlations() -> None:
    values = 3 + 5 * drawn(40, 6)
    columns = standard(values)
    np.testing.assert_allclose(columns.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(columns.T @ columns, np.corrcoef(values.T), atol=1e-5)
    assert correlation(values[:, 0], values[:, 1]) == pytest.approx(np.corrcoef(values.T)[0, 1], abs=1e-5)


@pytest.mark.parametrize("value", [0.0, 1.0, -7.7, 1e-30, 1e6])
def test_a_unit_that_never_changes_becomes_zero_and_no_nan(value: float) -> None:
    still = np.full((50, 1), value, np.float32)
    assert (standard(still) == 0).all()
    assert correlation(still[:, 0], drawn(50)) == 0
    assert (correlations(standard(still), drawn(50, 3), drawn(4, 3)) == 0).all()


def test_a_unit_that_changes_by_rounding_only_counts_as_still() -> None:
    values = np.full((50, 1), 1000.0, np.float32)
    values[::2] = np.nextafter(values[::2], np.float32(2000))
    assert (standard(values) == 0).all()
    assert np.ptp(standard(np.float32(1000) + drawn(50, 1))) > 0


def test_units_join_one_by_one_and_all_weights_are_fitted_anew() -> None:
    activations = drawn(200, 30)
    wanted = 2 * activations[:, 4] - 1 * activations[:, 9] + 0.5 * activations[:, 20]
    units, weights = pursue(activations, wanted)
    assert units[:3].tolist() == [4, 9, 20], "the unit that follows what is left the best joins"
    assert weights[:3] / weights[0] == pytest.approx([1, -0.5, 0.25], abs=0.02)
    assert combine(activations, wanted, halves(np.full(200, -1))).correlation == pytest.approx(1, abs=1e-4)


def test_nothing_is_chosen_of_units_that_never_change() -> None:
    units, weights = pursue(np.ones((20, 3), np.float32), drawn(20))
    assert (units.tolist(), weights.tolist()) == ([0], [1.0])
