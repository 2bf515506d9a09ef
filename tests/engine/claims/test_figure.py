"""A figure is its numbers: what is drawn can be taken along as a table."""

from __future__ import annotations

from engine.claims.figure import curve, named, numbers, together
from engine.core.statistics import Estimate
from engine.figures.chart import Chart

ROWS = [{"x": 0, "y": float("nan"), "y_low": 0, "y_high": 0}, {"x": 1, "y": 2.0, "y_low": 1, "y_high": 3}]


def test_the_table_has_a_row_for_each_point_with_its_interval() -> None:
    rows = named("vit", "a", {"whole": Estimate(1, 0, 2), "object": Estimate(3, 2, 4)})
    table = numbers(Chart("dots", (rows,)))
    assert table.to_dict("records")[1] == {"series": "vit", "at": "object", "value": 3, "low": 2, "high": 4}


def test_a_curve_leaves_out_what_is_not_known() -> None:
    line = curve("vit", "a", ROWS, "x", "y")
    assert line is not None and (line.x, line.y, line.low, line.high) == ((1.0,), (2.0,), (1.0,), (3.0,))
    assert curve("vit", "a", ROWS[:1], "x", "y") is None and together([None, line]) == (line,)


def test_each_side_has_its_own_colour_and_a_control_none() -> None:
    value = {"whole": Estimate(1, 0, 2)}
    assert [named("m", side, value).colour for side in ("a", "b", "c", "quiet")] == [0, 1, 2, None]


def test_a_block_of_a_curve_opens_how_deep_it_lies_though_others_are_left_out() -> None:
    rows = [{"layer": at, "depth": (at + 1) / 5, "y": 0.5, "y_low": 0.4, "y_high": 0.6} for at in (0, 2, 3)]
    line = curve("vit", "a", rows, "depth", "y")
    assert line is not None and line.opens == ([0.0], [0.5], [0.75]) and line.about[1] == "block 2"
