"""The false discovery rate of a layer, by a worked example and where nothing is to be found."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.discovery import cut, fewest


def test_the_worked_example_of_benjamini_and_hochberg() -> None:
    # Benjamini and Hochberg (1995), section 4.1: fifteen tests, four of which are discoveries at 5%.
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    assert cut(np.array(p)[::-1]) == pytest.approx(0.0095)


def test_where_nothing_is_to_be_found_hardly_anything_is() -> None:
    draws = np.random.default_rng(0).random((400, 200))
    assert np.mean([cut(p) > 0 for p in draws]) == pytest.approx(0.05, abs=0.025)
    assert cut(np.zeros(0)) == 0


def test_fewer_units_than_the_smallest_p_value_allows_are_no_discoveries_and_so_many_are() -> None:
    assert fewest(768, 1 / 1001) == 16 and fewest(768, 1 / 769) == 20 and fewest(40, 1 / 1001) == 1
    p = np.ones(768)
    p[:15] = 1 / 1001
    assert cut(p) == 0
    p[15] = 1 / 1001
    assert cut(p) > 0
