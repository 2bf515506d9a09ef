"""The plane of units: the same place for the same behaviour, and distances as they are."""

from __future__ import annotations

import numpy as np
import pytest

from engine.concepts.projection import plane


def test_units_that_do_the_same_share_a_place_and_still_ones_have_none() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 500))
    values = np.stack([first, 3 * first + 5, second, -first, np.full(500, 2.0)], axis=1)
    numbers, places, explained = plane(values)
    assert list(numbers) == [0, 1, 2, 3] and explained.sum() == pytest.approx(1, abs=1e-6)
    assert places[0] == pytest.approx(places[1]) and np.linalg.norm(places[0] - places[3]) > 1.9
    again = plane(values[rng.permutation(500)])[1]
    assert again == pytest.approx(places)


def test_the_plane_keeps_the_distances_of_two_dimensional_profiles() -> None:
    basis = np.linalg.qr(np.random.default_rng(2).normal(size=(300, 3)) - 0.0)[0]
    basis -= basis.mean(axis=0)
    angles = np.linspace(0, np.pi, 7)
    values = basis[:, :1] * np.cos(angles) + basis[:, 1:2] * np.sin(angles)
    alike = np.corrcoef(values.T)
    _, places, _ = plane(values)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert apart == pytest.approx(np.sqrt((2 - 2 * alike).clip(min=0)), abs=1e-6)
