"""The charts of "Background and texture": a model keeps its colour, intervals are drawn, and nothing needs all results."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pages.sections.reliance import charts

ORDER = ("one", "two", "three")
ROW = {"value": 0.5, "low": 0.4, "high": 0.7}


def test_a_model_keeps_its_colour_while_others_are_still_computed() -> None:
    alone = charts.bars(ORDER, ["full"], {"two": [ROW]}, "accuracy")
    both = charts.bars(ORDER, ["full"], {"one": [ROW], "two": [ROW]}, "accuracy")
    assert alone.series[0].colour == both.series[1].colour == 1
    assert (both.series[0].low, both.series[0].high) == ((0.4,), (0.7,)) and both.share


def test_the_axis_of_shares_ends_at_100_percent_or_just_above_where_something_lies_there() -> None:
    assert charts.bars(ORDER, ["full"], {"one": [ROW]}, "accuracy").span == (0, 1)
    assert charts.bars(ORDER, ["full"], {"one": [{**ROW, "high": 1.02}]}, "relative").span == (0, 1.02)


def test_what_a_bar_opens_is_kept_beside_it() -> None:
    made = charts.bars(ORDER, ["full"], {"one": [{**ROW, "opens": ["one|0"]}]}, "accuracy")
    assert made.series[0].opens == (["one|0"],)


def test_a_curve_has_its_interval_and_opens_its_cutoff() -> None:
    rows = pd.DataFrame({"cutoff": [0.1, 1.0], "top1": [0.5, 1.0], "top1_low": [0.4, 0.9], "top1_high": [0.6, 1.1]})
    (line,) = charts.curves(ORDER, {"three": charts.curve(rows, "cutoff", "top1")}, "x", "y", ticks=(0.1, 1)).series
    assert (line.low, line.high, line.colour) == ((0.4, 0.9), (0.6, 1.1), 2) and line.opens == ([0.1], [1.0])


def test_effective_robustness_has_a_line_where_one_was_fitted() -> None:
    def point(model: str, full: float) -> dict:
        return {"model": model, "full": full, "cut": full / 2, "full_interval": (0, 1), "cut_interval": (0, 1)}

    three = {"points": [point(name, 0.5) for name in ORDER], "line": {"slope": 1.0, "intercept": -1.0}}
    *points, line = charts.robustness(ORDER, three, "background").series
    assert [each.name for each in points] == list(ORDER) and line.colour is None
    assert all(y < x for x, y in zip(line.x, line.y, strict=True))


def test_the_map_of_gradients_has_a_row_a_layer_and_a_column_a_ring() -> None:
    rows = pd.DataFrame(
        [
            {"site": f"layer {depth}", "depth": depth, "from": ring / 4, "to": (ring + 1) / 4, "share": 0.1 * ring}
            for depth in range(2)
            for ring in range(4)
        ]
    )
    (map_,) = charts.spectrum(ORDER, {"two": rows}).maps
    assert map_.values.shape == (2, 4) and list(map_.x) == [0.125, 0.375, 0.625, 0.875]
    assert map_.about == ("layer 0: layer 0", "layer 1: layer 1") and map_.colour == 1


def test_reliance_stands_between_ignoring_and_ideal_use() -> None:
    made = charts.reliance(ORDER, {"two": (0.5, 0.4, 0.6)})
    assert made.series[0].y == (0.5,) and [level.at for level in made.levels] == [0, 1]


def test_units_are_points_that_open_them_and_pale_where_nothing_could_be_told() -> None:
    table = pd.DataFrame({"unit": [0, 1, 2, 3]})
    for name in (*charts.SHARES, *charts.LEANS):
        table[name] = [0.5, 0.2, -0.1, np.nan]
        table[f"{name}_low"], table[f"{name}_high"] = table[name] - 0.1, table[name] + 0.1
    table["object_lean_leans"] = ["object", "neither", "background", "unknown"]
    table["low_lean_leans"] = ["low", "neither", "neither", "unknown"]
    chart = charts.units({"vit": table}, title="Units")
    pale, told = chart.series
    assert chart.kind == "cloud" and pale.colour is None and told.colour == 0
    assert (pale.opens, told.opens) == (([1],), ([0], [2])) and told.x == told.y == (0.5, -0.1)
    assert "object alone 50.0 (40.0 to 60.0)%" in told.about[0] and "the object, low frequencies" in told.about[0]
    assert told.about[1].endswith("the background") and pale.about[0].endswith("not told")


def test_an_accuracy_relative_to_that_on_whole_images_says_so() -> None:
    assert charts.accuracy("top5") == "top-5 accuracy"
    assert charts.accuracy("top1_normalised") == "top-1, share of that on whole images"
