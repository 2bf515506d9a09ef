"""Lines of models: one colour a model, one dash a measure, and a band only where there is an interval."""

from __future__ import annotations

import numpy as np

from pages.common import colours
from pages.common.line_charts import DASHES, Curve, blank, level, line


def test_a_line_has_its_models_colour_and_its_measures_dash() -> None:
    chart = blank("depth", "share")
    line(chart, Curve([0, 1], [0.5, 0.25]), "first", "a")
    line(chart, Curve([0, 1], [0.5, 0.75]), "second", "b", dash=1)
    assert [trace.line.color for trace in chart.data] == [colours.of("a"), colours.of("b")]
    assert [trace.line.dash for trace in chart.data] == [DASHES[0], DASHES[1]]
    assert [trace.name for trace in chart.data] == ["first", "second"]


def test_the_band_goes_up_along_one_end_of_the_interval_and_back_along_the_other() -> None:
    chart = blank("depth", "share")
    line(chart, Curve([0, 1], [0.5, 0.6], [0.4, 0.5], [0.7, 0.9]), "first", "a")
    band = chart.data[0]
    assert [*band.x] == [0, 1, 1, 0] and [*band.y] == [0.7, 0.9, 0.5, 0.4]
    assert len(chart.data) == 2 and not band.showlegend


def test_an_interval_that_is_not_known_anywhere_gives_no_band() -> None:
    chart = blank("depth", "share")
    line(chart, Curve([0, 1], [0.5, 0.6], [np.nan, np.nan], [np.nan, np.nan]), "first", "a")
    assert len(chart.data) == 1


def test_a_level_is_a_line_at_its_value_with_its_name() -> None:
    chart = blank("depth", "share")
    level(chart, 0.25, "chance")
    assert (chart.layout.shapes[0].y0, chart.layout.shapes[0].y1) == (0.25, 0.25)
    assert [note.text for note in chart.layout.annotations] == ["chance"]
