"""Charts in print: marks stand where their values are, and everything is named where the eye is."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from engine.figures.axes import SIZE
from engine.figures.chart import MODELS, Chart, Level, Map, legible, series
from engine.figures.charts import chart
from engine.figures.drawing import INK, Area, Dot, Drawing, Line, Text, width_of
from engine.figures.layout import COLUMN, PAGE

VIT = series("starter-vit", [0, 0.5, 1], [0.9, 0.5, 0.1], [0.8, 0.4, 0.0], [1.0, 0.6, 0.2], colour=0)
CNN = series("starter-cnn", [0, 0.5, 1], [0.9, 0.52, 0.12], colour=1)
LINES = Chart("lines", (VIT, CNN), "depth", "share", share=True, title="Position", finding="It fades.", caption="600.")
SMALL_UP = SIZE * 0.35
"""How far below its line the baseline of a mark stands."""
ROWS = [series("vit", ["full", "object"], [0.5, 0.25], [0.4, 0.2], [0.6, 0.3], colour=0)]


def texts(drawing: Drawing) -> dict[str, Text]:
    return {item.text: item for item in drawing.items if isinstance(item, Text)}


def of(drawing: Drawing, kind: type, colour: str) -> list:
    return [item for item in drawing.items if isinstance(item, kind) and item.colour == colour]


def test_a_line_runs_through_its_values_on_the_axis_that_is_drawn():
    drawing = chart(LINES)
    (line,) = of(drawing, Line, MODELS[0])
    bottom, top = (texts(drawing)[mark].y for mark in ("0%", "100%"))
    heights = [(bottom - y) / (bottom - top) for _, y in line.places]
    assert heights == pytest.approx([0.9, 0.5, 0.1], abs=0.03)
    assert [x for x, _ in line.places] == sorted(x for x, _ in line.places)
    (band,) = of(drawing, Area, MODELS[0])
    assert len(band.places) == 6 and band.opacity < 0.5 and not of(drawing, Area, MODELS[1])


def test_each_line_is_named_at_its_end_and_no_name_lies_on_another():
    named = texts(chart(LINES))
    one, other = named["starter-vit"], named["starter-cnn"]
    assert one.x == other.x and abs(one.y - other.y) >= one.size
    assert one.y > other.y, "the lower line's name stands lower"
    assert all(text.x + width_of(text.text, text.size) <= COLUMN for text in (one, other))


def test_a_value_that_is_not_known_leaves_a_gap():
    gap = series("vit", [0, 1, 2], [0.1, math.nan, 0.3], colour=0)
    assert [len(line.places) for line in of(chart(Chart("lines", (gap,))), Line, MODELS[0])] == [2]


def test_a_bar_is_as_long_as_its_value_and_says_it_with_its_interval():
    drawing = chart(Chart("bars", tuple(ROWS), "accuracy", share=True))
    lengths = [max(x for x, _ in bar.places) - min(x for x, _ in bar.places) for bar in of(drawing, Area, MODELS[0])]
    assert lengths[0] == pytest.approx(2 * lengths[1])
    assert {"full", "object", "vit", "50% (40 to 60%)", "25% (20 to 30%)"} <= texts(drawing).keys()
    scale = texts(drawing)["100%"].x - texts(drawing)["0%"].x
    assert lengths[0] == pytest.approx(scale / 2)
    whisker = max(of(drawing, Line, INK), key=lambda line: line.places[1][0] - line.places[0][0])
    assert whisker.places[1][0] - whisker.places[0][0] == pytest.approx(0.2 * scale)


LONG = ["timm/vit_small_patch16_224.augreg_in21k_ft_in1k", "timm/vit_base_patch16_224.augreg_in21k_ft_in1k"]


def of_model(drawing: Drawing, number: int) -> list[Text]:
    return of(drawing, Text, legible(MODELS[number]))


def test_a_long_name_beside_its_row_is_written_to_its_end_and_no_line_lies_on_another():
    rows = tuple(series(name, ["full", "object"], [0.5, 0.25], colour=number) for number, name in enumerate(LONG))
    drawing = chart(Chart("bars", rows, share=True))
    for number, name in enumerate(LONG):
        lines = of_model(drawing, number)
        assert "".join(line.text for line in lines) == 2 * name
    heights = sorted(line.y for number in (0, 1) for line in of_model(drawing, number))
    assert min(below - above for above, below in pairwise(heights)) >= lines[0].size


def test_a_long_name_above_a_map_is_written_in_lines_that_stay_over_it():
    maps = tuple(Map(name, np.ones((6, 6)), tuple(range(6)), tuple(range(6)), n) for n, name in enumerate(LONG * 2))
    drawing = chart(Chart("maps", maps=maps))
    for number, name in enumerate(LONG * 2):
        lines, cells = of_model(drawing, number), of(drawing, Area, MODELS[number])
        assert "".join(line.text for line in sorted(lines, key=lambda line: line.y)) == name
        assert max(line.y for line in lines) < min(y for cell in cells for _, y in cell.places)
        assert all(line.x + width_of(line.text, line.size) < line.x + (PAGE - 14) / 4 for line in lines)


def test_dots_stand_beside_the_values_that_they_are_compared_with():
    one = series("vit", [""], [0.5], [0.4], [0.6], colour=0)
    drawing = chart(Chart("dots", (one,), "reliance", levels=(Level(0, "none"), Level(1, "ideal"))))
    (dot,) = of(drawing, Dot, MODELS[0])
    none, ideal = (line.places[0][0] for line in drawing.items if isinstance(line, Line) and line.dash)
    assert dot.x == pytest.approx((none + ideal) / 2) and any("ideal" in text for text in texts(drawing))


def test_a_logarithmic_axis_puts_equal_factors_at_equal_distances():
    shown = Chart("lines", (series("vit", [0.01, 0.1, 1], [0, 0.5, 1]),), ticks=(0.01, 0.1, 1))
    (line,) = of(chart(shown), Line, MODELS[0])
    x = [place[0] for place in line.places]
    assert x[1] - x[0] == pytest.approx(x[2] - x[1])


def test_maps_share_one_scale_and_lie_side_by_side_over_the_page():
    one, other = (
        Map("vit", np.array([[0.2, 0.4]]), (0, 1), (0,), 0),
        Map("cnn", np.array([[0.1, 0.0]]), (0, 1), (0,), 1),
    )
    drawing = chart(Chart("maps", maps=(one, other), share=True))
    assert drawing.width == PAGE
    assert [cell.opacity for cell in of(drawing, Area, MODELS[0])] == [0.5, 1.0]
    assert [cell.opacity for cell in of(drawing, Area, MODELS[1])] == [0.25, 0.0]


def test_title_finding_and_caption_stand_around_it():
    named = texts(chart(LINES))
    assert named["Position"].y < named["It fades."].y < named["starter-vit"].y < named["600."].y
    without = chart(replace(LINES, title="", finding="", caption=""))
    assert without.height < chart(LINES).height


def test_what_lies_beyond_an_axis_is_not_drawn_over_what_stands_there():
    far = series("vit", [10, 20, 30, 40], [0.5, -5.8, 0.5, 0.2], [0.4, -6.0, 0.4, 0.1], [0.6, -5.0, 1.6, 0.3], colour=0)
    drawing = chart(Chart("lines", (far,), span=(0.0, 1.0)))
    bottom, top = (texts(drawing)[mark].y - SMALL_UP for mark in ("0", "1"))
    lines, (band,) = of(drawing, Line, MODELS[0]), of(drawing, Area, MODELS[0])
    heights = [y for each in (*lines, band) for _, y in each.places]
    assert max(heights) == pytest.approx(bottom, abs=1e-3) and min(heights) == pytest.approx(top, abs=1e-3)
    (falls, rises), dots = lines, of(drawing, Dot, MODELS[0])
    assert len(dots) == 3, "a point that lies beyond has no dot"
    assert falls.places[0] == (dots[0].x, dots[0].y) and falls.places[-1][0] < rises.places[0][0] < dots[1].x
    assert len(rises.places) == 3 and rises.places[-1] == (dots[2].x, dots[2].y)


def test_a_whisker_ends_with_the_axis():
    alone = series("vit", [10], [0.5], [-2.0], [3.0], colour=0)
    drawing = chart(Chart("points", (alone,), span=(0.0, 1.0)))
    (whisker,) = [line for line in of(drawing, Line, INK) if line.width == 0.6]
    up = [texts(drawing)[mark].y - SMALL_UP for mark in ("0", "1")]
    assert [y for _, y in whisker.places] == pytest.approx(up, abs=1e-3)
