"""The two charts of a unit show every value that is a number, mark its own pictures where they lie, and say the same as CSV."""

from __future__ import annotations

import numpy as np
import pytest

from pages.common.units.charts import distribution, growth


def test_every_image_is_counted_once_and_what_is_no_number_is_left_out() -> None:
    chart, numbers = distribution(np.array([0.0, 0.0, 1.0, np.nan, np.inf, 4.0], np.float32), {}, 0, "unit")
    (bars,) = chart.series
    assert sum(bars.y) == 4 and bars.y[0] == 2 and bars.y[-1] == 1
    assert (bars.x[0], bars.x[-1]) == pytest.approx((0.05, 3.95)), "the middles of 40 bars from 0 to 4"
    assert tuple(numbers["images"]) == bars.y and tuple((numbers["from"] + numbers["to"]) / 2) == pytest.approx(bars.x)
    assert not chart.levels


def test_pictures_are_marked_at_their_activation() -> None:
    chart, numbers = distribution(np.arange(5.0), {"picture": 7.5, "minimized": -2.0}, 1, "unit")
    assert [(level.text, level.at, level.colour) for level in chart.levels] == [
        ("picture", 7.5, 1),
        ("minimized", -2.0, 1),
    ]
    assert set(numbers["picture"]) == {7.5} and set(numbers["minimized"]) == {-2.0}


def test_a_bar_opens_the_image_in_its_middle() -> None:
    values, numbers = np.array([0.0, 0.04, 4.0, np.nan]), np.array([7, 8, 9, 10])
    (bars,) = distribution(values, {}, 0, "unit", numbers)[0].series
    assert bars.opens[0] == [8] and bars.opens[-1] == [9] and len(bars.opens) == len(bars.x)
    assert distribution(values, {}, 0, "unit")[0].series[0].opens == ()


def test_the_objective_begins_at_step_one_and_leaves_gaps_where_it_is_no_number() -> None:
    chart, numbers = growth(np.array([0.5, np.nan, 1.0]), 0, "unit")
    assert (chart.series[0].x, chart.series[0].y) == ((1, 3), (0.5, 1.0))
    assert numbers.values.tolist() == [[1, 0.5], [3, 1.0]]
