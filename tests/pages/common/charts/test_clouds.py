"""Counts and clouds on a page: the same numbers as in print."""

from __future__ import annotations

import math

from engine.figures.chart import Chart, Level, counted, series
from pages.common import colours
from pages.common.charts import clouds

COUNTS = Chart(
    "counts", (series("images", [0.5, 1.5, 2.5], [100, 0, 1], colour=None),), "activation", "images",
    levels=(Level(4.0, "picture", 0), Level(4.1, "other", 1)),
)  # fmt: skip
POINTS = series(
    "named", [0, 1], [1, 0], colour=1, about=("Unit 3", "Unit 4"), opens=([3], [4]), size=(0, 1), written=("sea", "")
)


def test_a_bar_of_one_is_seen_and_a_mark_beyond_the_bars_is_too() -> None:
    plot = clouds.counts(COUNTS)
    (bars,) = plot.data
    assert list(bars.y) == [100, 0, 1] and bars.width == 0.96 and bars.hovertext[0] == "100 around 0.5"
    low, high = plot.layout.yaxis.range
    assert 10**low < 1 and 10**high > 100 and math.isclose(10**high, counted(COUNTS)[1])
    assert plot.layout.xaxis.range[0] <= 0 and plot.layout.xaxis.range[1] > 4.1


def test_marks_stand_where_they_lie_and_their_names_apart() -> None:
    plot = clouds.counts(COUNTS)
    assert [(shape.x0, shape.line.color) for shape in plot.layout.shapes] == [
        (4.0, colours.model(0)),
        (4.1, colours.model(1)),
    ]
    one, other = [note.x for note in plot.layout.annotations if note.text in ("picture", "other")]
    assert other - one > 0.99 * clouds.NAMES_APART


def test_points_are_as_large_as_they_say_and_carry_what_they_open() -> None:
    (points,) = clouds.cloud(Chart("cloud", (POINTS,))).data
    assert (
        list(points.marker.size) == [4, 11]
        and points.customdata == ([3], [4])
        and points.hovertext == ("Unit 3", "Unit 4")
    )
    assert points.marker.color == colours.model(1)


def test_only_points_with_a_name_have_one_written() -> None:
    plot = clouds.cloud(Chart("cloud", (POINTS,)))
    assert [(note.text, note.x, note.y) for note in plot.layout.annotations if note.text] == [("sea", 0, 1)]


def test_a_bar_of_counts_carries_what_it_opens() -> None:
    bars = series("images", [0.0, 1.0], [3, 4], colour=None, opens=([7], [8]))
    (drawn,) = clouds.counts(Chart("counts", (bars,))).data
    assert list(map(list, drawn.customdata)) == [[7], [8]] and drawn.unselected.marker.opacity == 0.6
