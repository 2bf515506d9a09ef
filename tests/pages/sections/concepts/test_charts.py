"""Charts of words and units: everything is drawn, no label covers another, and what is clicked opens what it is."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from engine.figures.charts import chart as in_print
from engine.figures.drawing import Dot
from pages.common.charts.figure import plotted
from pages.sections.concepts import charts


def units() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"unit": range(90), "across": rng.uniform(size=90), "down": rng.uniform(size=90)})
    return table.assign(
        selectivity=np.linspace(0, 3, 90), word=[f"word {n}" for n in range(90)], words="a, b", score=1.0,
        named=table.unit > 9,
    )  # fmt: skip


def test_every_unit_is_on_the_map_where_its_numbers_say_and_opens_itself() -> None:
    table = units()
    made = charts.units_map(table, "b")
    drawn = {opened[0]: (x, y) for s in made.series for x, y, opened in zip(s.x, s.y, s.opens, strict=True)}
    assert drawn == {row["unit"]: (row["across"], row["down"]) for row in table.to_dict("records")}
    assert [(s.name, s.colour, len(s.x)) for s in made.series] == [("no label", None, 10), ("named", 1, 80)]
    assert made.series[1].size[-1] == 1 and made.series[0].size[0] == 0
    sent = [point for trace in json.loads(plotted(made).to_json())["data"] for point in trace["customdata"]]
    assert sorted(sent) == [[unit] for unit in range(90)], "as a browser gets them: plain lists"
    assert sum(isinstance(item, Dot) for item in in_print(made).items) == 90


def test_labels_on_the_map_never_cover_each_other() -> None:
    made = charts.units_map(units(), "a")
    labels = [(x, y) for s in made.series for x, y, name in zip(s.x, s.y, s.written, strict=True) if name]
    assert 4 < len(labels) <= charts.LABELS
    wide, high = charts.APART
    pairs = [(a, b) for place, a in enumerate(labels) for b in labels[place + 1 :]]
    assert all(abs(a[0] - b[0]) > 0.9 * wide or abs(a[1] - b[1]) > 0.9 * high for a, b in pairs)


def test_a_map_without_words_says_so_of_its_units() -> None:
    (points,) = charts.units_map(units()[["unit", "across", "down", "selectivity"]], "a").series
    assert points.colour == 0 and points.about[3] == "<b>Unit 3</b><br>not labelled yet" and set(points.written) == {""}


def test_texts_for_an_image_are_drawn_best_on_top_each_with_its_own_bar() -> None:
    labels = ["x" * 60 + "1", "x" * 60 + "2", "a cat"]
    (bars,) = charts.texts(labels, np.array([0.2, 0.5, 0.3]), np.array([0.1, 0.3, 0.2])).series
    assert bars.y == (0.5, 0.3, 0.2) and bars.x == (labels[1], labels[2], labels[0])
    assert bars.about[1] == "a cat<br>cosine 0.200"


def layers(*shares: float) -> pd.DataFrame:
    table = pd.DataFrame({"site": [f"blocks.{n}.mlp.hidden" for n in range(len(shares))], "share": shares})
    return table.assign(low=table["share"] - 0.01, high=table["share"] + 0.01, depth=np.linspace(0, 1, len(shares)))


def test_each_point_of_a_share_by_layer_is_its_number_and_opens_its_side_and_layer() -> None:
    tables = {"a": ("one", layers(0.1, 0.2)), "b": ("two", layers(0.1, 0.3))}
    made = charts.shares(tables, "share", ("low", "high"), {}, span=(0.0, 0.5))
    assert [(s.name, s.colour, s.y) for s in made.series] == [("one", 0, (0.1, 0.2)), ("two", 1, (0.1, 0.3))]
    assert [s.opens for s in made.series] == [
        ([side, "blocks.0.mlp.hidden"], [side, "blocks.1.mlp.hidden"]) for side in ("a", "b")
    ]
    assert made.series[1].high[1] == pytest.approx(0.31) and made.series[1].about[1] == "two, blocks.1.mlp.hidden"


def test_what_shares_are_held_against_is_dashed_and_says_of_which_model_it_is() -> None:
    known = layers(0.2, 0.3).assign(twin=[0.01, 0.02])
    unknown = layers(0.2, 0.3).assign(twin=np.nan)
    both = charts.shares({"a": ("one", known), "b": ("two", unknown)}, "share", ("low", "high"), {"twin": "untrained"})
    assert [(s.name, s.dash, s.y) for s in both.series] == [
        ("one", 0, (0.2, 0.3)),
        ("untrained (A)", 1, (0.01, 0.02)),
        ("two", 0, (0.2, 0.3)),
    ]
    alone = charts.shares({"b": ("one", known)}, "share", ("low", "high"), {"twin": "untrained"})
    assert [s.name for s in alone.series] == ["one", "untrained"]


def test_charts_beside_each_other_end_where_the_highest_of_all_ends() -> None:
    assert charts.highest([layers(0.1, 0.2), layers(0.3)], ["share", "high"]) == pytest.approx(1.06 * 0.31)
    assert charts.highest([layers(0.99)], ["high"]) == 1
