"""The charts of "Background and texture": a model keeps its colour, intervals are drawn, and nothing needs all results."""

from __future__ import annotations

import pandas as pd

from pages.common import colours
from pages.sections.reliance import charts

ORDER = ("one", "two", "three")
ROW = {"value": 0.5, "low": 0.4, "high": 0.7}


def test_a_model_keeps_its_colour_while_others_are_still_computed() -> None:
    alone = charts.bars(ORDER, ["full"], {"two": [ROW]}, "accuracy")
    both = charts.bars(ORDER, ["full"], {"one": [ROW], "two": [ROW]}, "accuracy")
    assert alone.data[0].marker.color == both.data[1].marker.color == colours.model(1)
    assert len({colours.model(number) for number in range(8)}) == 8


def test_whiskers_end_where_the_interval_does() -> None:
    bar = charts.bars(ORDER, ["full"], {"one": [ROW]}, "accuracy").data[0]
    assert (bar.y[0] + bar.error_y.array[0], bar.y[0] - bar.error_y.arrayminus[0]) == (0.7, 0.4)


def test_a_curves_band_runs_along_its_interval_on_an_axis_with_ticks() -> None:
    rows = pd.DataFrame({"cutoff": [0.1, 1.0], "top1": [0.5, 1.0], "top1_low": [0.4, 0.9], "top1_high": [0.6, 1.1]})
    made = charts.curves(ORDER, {"three": charts.curve(rows, "cutoff", "top1")}, "x", "y", ticks=(0.1, 1))
    band, line = made.data
    assert list(band.y) == [0.6, 1.1, 0.9, 0.4] and list(line.y) == [0.5, 1.0]
    assert line.line.color == colours.model(2) and made.layout.xaxis.type == "log"


def test_effective_robustness_has_a_line_from_three_models_on() -> None:
    def point(model: str, full: float) -> dict:
        return {"model": model, "full": full, "cut": full / 2, "full_interval": (0, 1), "cut_interval": (0, 1)}

    two = {"points": [point("one", 0.5), point("two", 0.7)], "line": None}
    three = {"points": [*two["points"], point("three", 0.9)], "line": {"slope": 1.0, "intercept": -1.0}}
    assert [trace.name for trace in charts.robustness(ORDER, two, "background").data] == ["one", "two"]
    line = charts.robustness(ORDER, three, "background").data[0]
    assert line.mode == "lines" and all(y < x for x, y in zip(line.x, line.y, strict=True))


def test_the_map_of_gradients_has_a_row_a_layer_and_a_column_a_ring() -> None:
    rows = pd.DataFrame(
        [
            {"site": f"layer {depth}", "depth": depth, "from": ring / 4, "to": (ring + 1) / 4, "share": 0.1 * ring}
            for depth in range(2)
            for ring in range(4)
        ]
    )
    (map_,) = charts.spectrum(ORDER, {"two": rows}).data
    assert map_.z.shape == (2, 4) and list(map_.x) == [0.125, 0.375, 0.625, 0.875]


def test_reliance_stands_between_ignoring_and_ideal_use() -> None:
    made = charts.reliance(ORDER, {"two": (0.5, 0.4, 0.6)})
    assert made.data[0].x == (0.5,) and [note.x for note in made.layout.annotations] == [0, 1]
