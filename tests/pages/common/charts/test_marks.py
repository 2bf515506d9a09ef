"""What the points of every chart have in common."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from engine.figures.chart import Chart, series
from pages.common.charts import marks


def test_texts_and_lines_stand_beside_those_that_are_there() -> None:
    plot = go.Figure()
    marks.write(plot, [{"text": "first", "x": 0, "y": 0}])
    marks.write(
        plot, [{"text": "second", "x": 1, "y": 1}], [marks.across(0.5, {"width": 1}), marks.down(2, {"width": 1})]
    )
    assert [(note.text, note.showarrow) for note in plot.layout.annotations] == [("first", False), ("second", False)]
    level, upright = plot.layout.shapes
    assert (level.y0, level.y1, level.xref) == (0.5, 0.5, "x domain"), "from side to side whatever is shown"
    assert (upright.x0, upright.x1, upright.yref) == (2, 2, "y domain")


def test_a_point_says_its_series_its_place_and_its_value() -> None:
    line = series("vit", [1, 2], [0.25, 0.5], [0.2, 0.4], [0.3, 0.6])
    chart = Chart("lines", (line,), "block", "accuracy", share=True)
    assert marks.said(chart, line, 1) == "<b>vit</b><br>block: 2<br>50.0% (40.0 to 60.0%)"


def test_whiskers_are_as_long_as_the_interval_is() -> None:
    bars = marks.whiskers(series("", [0], [0.5], [0.4], [0.7]))
    assert (bars["arrayminus"][0], bars["array"][0]) == pytest.approx((0.1, 0.2))
