"""Counts and clouds in print stand where their numbers say."""

from __future__ import annotations

import math

import pytest

from engine.figures.axes import Scale, colour
from engine.figures.chart import MODELS, QUIET, Chart, Level, series
from engine.figures.charts import chart
from engine.figures.drawing import Area, Dot, Line, Text
from engine.figures.pdf import to_pdf
from engine.figures.svg import to_svg

COUNTS = Chart(
    "counts", (series("images", [0.5, 1.5, 2.5], [100, 0, 1], colour=None),), "activation", "images",
    levels=(Level(2.0, "picture", 0), Level(2.05, "minimized", 0)),
)  # fmt: skip


def test_a_logarithmic_scale_has_equal_steps_for_equal_factors() -> None:
    scale = Scale(1, 100, 10, 30, log=True)
    assert (scale(1), scale(10), scale(100)) == pytest.approx((10, 20, 30))
    assert colour(None) == QUIET and colour(len(MODELS)) == MODELS[0]


def test_bars_are_as_high_as_their_counts_on_a_logarithmic_axis_and_none_stands_for_none() -> None:
    drawn = chart(COUNTS)
    one, other = [item.places for item in drawn.items if isinstance(item, Area)]
    high, low = (max(y for _, y in bar) - min(y for _, y in bar) for bar in (one, other))
    assert high / low == pytest.approx(math.log10(100 / 0.7) / math.log10(1 / 0.7), rel=1e-3)
    widths = [max(x for x, _ in bar) - min(x for x, _ in bar) for bar in (one, other)]
    assert widths[0] == pytest.approx(widths[1])


def test_marks_lie_between_their_bars_and_their_names_do_not_cover_each_other() -> None:
    drawn = chart(COUNTS)
    bars = [item.places for item in drawn.items if isinstance(item, Area)]
    upright = [item for item in drawn.items if isinstance(item, Line) and item.colour == MODELS[0]]
    assert len(upright) == 2 and all(bars[0][1][0] < line.places[0][0] < bars[1][0][0] + 20 for line in upright)
    one, other = [item.x for item in drawn.items if isinstance(item, Text) and item.text in ("picture", "minimized")]
    assert abs(one - other) > 41


def test_a_cloud_has_every_point_and_the_names_that_are_written() -> None:
    points = series("named", [0, 1], [1, 0], colour=1, size=(0, 1), written=("sea", ""))
    drawn = chart(Chart("cloud", (points, series("none", [0.5], [0.5], colour=None))))
    dots = [item for item in drawn.items if isinstance(item, Dot)]
    assert [dot.colour for dot in dots] == [MODELS[1], MODELS[1], QUIET] and dots[1].radius > dots[0].radius
    assert dots[0].x < dots[2].x < dots[1].x and dots[0].y < dots[2].y < dots[1].y
    assert [item.text for item in drawn.items if isinstance(item, Text)].count("sea") == 1
    assert "sea" in to_svg(drawn) and to_pdf(drawn).startswith(b"%PDF")
