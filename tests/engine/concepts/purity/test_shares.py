"""Shares of units: copies of a unit count once."""

from __future__ import annotations

import numpy as np
import pytest

from engine.concepts.purity.shares import independent


def test_copies_of_a_unit_count_once() -> None:
    draws = np.random.default_rng(0)
    single = draws.random((4000, 50)) < 0.05
    assert independent(single.mean(axis=1), 50) == pytest.approx(50, abs=4)
    assert independent(np.repeat(single, 4, axis=1).mean(axis=1), 200) == pytest.approx(50, abs=4)
    assert independent(np.zeros(10), 30) == 30
