"""Bars and dots on a page: each beside its model's name and its value, under the name of what was shown."""

from __future__ import annotations

import math
from typing import Any

import pytest

from engine.figures.chart import Chart, Level, series
from pages.common import colours
from pages.common.charts import rows


def bars(**rest) -> Chart:
    a = series(
        "vit", ["full", "object"], [0.5, math.nan], [0.4, math.nan], [0.7, math.nan], colour=0, opens=(["x"], ["y"])
    )
    b = series("cnn", ["full", "object"], [0.6, 0.2], [0.5, 0.1], [0.7, 0.3], colour=1)
    return Chart("bars", (a, b), "accuracy", share=True, **rest)


def bars_of(plot: Any) -> list[Any]:
    """What is seen, without the rows that are clicked."""
    return [trace for trace in plot.data if trace.marker.color != "rgba(0,0,0,0)"]


def test_every_row_is_labelled_and_a_value_that_is_not_known_has_none() -> None:
    plot = rows.figure(bars())
    ticks = list(plot.layout.yaxis.ticktext)
    assert [tick.partition(">")[2].partition("<")[0] for tick in ticks] == ["", "vit", "cnn", "", "cnn"]
    headings = {note.text: note.y for note in plot.layout.annotations if note.text.startswith("<b>")}
    assert headings == {"<b>full</b>": 0, "<b>object</b>": 3}
    assert [list(trace.y) for trace in bars_of(plot)] == [[1], [2, 4]]
    assert {note.text for note in plot.layout.annotations} >= {"50% (40 to 70%)", "20% (10 to 30%)"}


def test_shares_run_from_0_to_100_percent_and_colours_are_the_models() -> None:
    plot = rows.figure(bars())
    assert list(plot.layout.xaxis.range) == [0, 1] and plot.layout.xaxis.ticktext[-1] == "100%"
    assert [trace.marker.color for trace in bars_of(plot)] == [colours.model(0), colours.model(1)]


def test_whiskers_end_where_the_interval_does_and_a_point_says_what_it_is() -> None:
    bar = bars_of(rows.figure(bars()))[0]
    assert bar.x[0] + bar.error_x.array[0] == pytest.approx(0.7)
    assert bar.x[0] - bar.error_x.arrayminus[0] == pytest.approx(0.4)
    assert bar.hovertext[0] == "<b>vit</b><br>full<br>50.0% (40.0 to 70.0%)"


def test_what_a_click_opens_is_sent_as_plain_lists() -> None:
    """Plotly packs arrays, and what is clicked would come back as the packing."""
    sent = [trace for trace in rows.figure(bars()).to_plotly_json()["data"] if trace.get("customdata")]
    assert [trace["customdata"] for trace in sent] == [[["x"]], [["x"]]]
    row, bar = sent
    assert list(row["x"]) == [1.0] and list(bar["x"]) == [0.5], "the whole row can be clicked, however short its bar is"


def test_levels_are_named_above_the_rows() -> None:
    plot = rows.figure(Chart("dots", (series("vit", [""], [0.5]),), levels=(Level(0, "none"), Level(1, "ideal"))))
    assert [(note.text, note.x) for note in plot.layout.annotations if note.yref == "paper"] == [
        ("none", 0),
        ("ideal", 1),
    ]
    assert len(plot.layout.yaxis.ticktext) == 1, "a chart of one thing needs no heading"


def test_a_long_name_takes_two_lines_so_that_a_phone_has_room_for_the_bars() -> None:
    names = ("last attention averages", "as it is")
    plot = rows.figure(Chart("dots", tuple(series(name, [""], [0.5]) for name in names)))
    long, short = plot.layout.yaxis.ticktext
    assert "last attention<br>averages" in long and "<br>" not in short
    assert plot.layout.margin.l < 12 + 7 * len("last attention ")
    assert plot.layout.xaxis.tickangle == 0


def test_long_names_that_end_alike_are_told_apart() -> None:
    names = [f"timm/vit_{size}_patch16_224.augreg_in21k_ft_in1k" for size in ("small", "base")]
    plot = rows.figure(Chart("dots", tuple(series(name, [""], [0.5]) for name in names)))
    small, base = (tick.partition(">")[2].partition("<")[0] for tick in plot.layout.yaxis.ticktext)
    assert "small" in small and "base" in base and max(len(small), len(base)) <= rows.LONGEST


def test_names_that_no_label_tells_apart_stand_whole_on_two_lines() -> None:
    names = ["x" * 30 + number + "x" * 30 for number in "12"]
    plot = rows.figure(Chart("dots", tuple(series(name, [""], [0.5]) for name in names)))
    labels = [tick.partition(">")[2].rpartition("</span>")[0] for tick in plot.layout.yaxis.ticktext]
    assert [label.count("<br>") for label in labels] == [1, 1]
    assert [label.replace("<br>", "").replace(" ", "") for label in labels] == names


def test_a_series_without_a_name_has_an_empty_label() -> None:
    assert rows._broken("") == "" and rows._broken("ViT") == "ViT"


def test_a_chart_of_nothing_is_empty() -> None:
    assert not rows.figure(Chart("dots", (), "reliance", levels=(Level(0, "none"),))).data
