"""The two charts of a unit show every value that is a number, and mark the unit's own pictures where they lie."""

from __future__ import annotations

import numpy as np

from pages.common.units.charts import curve, histogram


def test_every_image_is_counted_once_and_what_is_no_number_is_left_out() -> None:
    chart = histogram(np.array([0.0, 0.0, 1.0, np.nan, np.inf, 4.0], np.float32), None, None, "a")
    bars = chart.data[0]
    assert sum(bars.y) == 4 and bars.y[0] == 2 and bars.y[-1] == 1
    assert (bars.x[0], bars.x[-1]) == (np.float32(0.05), np.float32(3.95)), "the middles of 40 bars from 0 to 4"
    assert not chart.layout.shapes


def test_pictures_are_marked_at_their_activation() -> None:
    chart = histogram(np.arange(5.0), 7.5, -2.0, "b")
    assert [(note.text, note.x) for note in chart.layout.annotations] == [("picture", 7.5), ("minimized", -2.0)]
    assert [shape.x0 for shape in chart.layout.shapes] == [7.5, -2.0]


def test_the_objective_begins_at_step_one() -> None:
    drawn = curve(np.array([0.5, 0.75, 1.0]), "a").data[0]
    assert [*drawn.x] == [1, 2, 3] and [*drawn.y] == [0.5, 0.75, 1.0]
