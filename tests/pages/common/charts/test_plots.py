"""Lines on a page: the same numbers as in print, named at their ends, with all that is known where one points."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.figures.chart import Chart, Level, series
from pages.common import colours
from pages.common.charts import plots

VIT = series(
    "vit", [0, 1], [0.9, 0.2], [0.8, 0.1], [1.0, 0.3], colour=0, about=("block 0", "block 1"), opens=([0.0], [1.0])
)
CNN = series("cnn", [0, 1], [0.5, 0.25], colour=1, dash=1)


def test_a_band_runs_along_its_interval_below_the_lines() -> None:
    band, line, other = plots.figure(Chart("lines", (VIT, CNN), share=True)).data
    assert list(band.y) == [1.0, 0.3, 0.1, 0.8] and band.hoverinfo == "skip"
    assert list(line.y) == [0.9, 0.2] and line.line.color == colours.model(0) and line.line.dash == "solid"
    assert other.line.dash == "dot" and list(other.y) == [0.5, 0.25]


def test_a_point_says_its_block_its_value_and_its_interval_and_opens_it() -> None:
    line = plots.figure(Chart("lines", (VIT,), "depth", share=True)).to_plotly_json()["data"][1]
    assert line["hovertext"][1] == "<b>vit</b><br>block 1<br>20.0% (10.0 to 30.0%)"
    assert line["customdata"] == [[0.0], [1.0]] and isinstance(line["customdata"][0], list)


def test_lines_are_named_at_their_ends_apart_from_each_other() -> None:
    plot = plots.figure(Chart("lines", (VIT, CNN), share=True))
    one, other = [note for note in plot.layout.annotations if note.x == 1]
    assert (one.text, other.text) == ("<b>vit</b>", "cnn") and other.y > one.y + 0.04
    assert plot.layout.showlegend is False and list(plot.layout.yaxis.range) == [0, 1]


def test_very_long_names_that_begin_alike_are_told_apart() -> None:
    names = [f"open_clip/ViT-SO400M-16-SigLIP2-512-of-many-sizes/webli{end}" for end in ("", "-tuned")]
    plot = plots.figure(Chart("lines", tuple(series(name, [0, 1], [0.5, 0.25]) for name in names)))
    one, other = [note.text for note in plot.layout.annotations if note.x == 1]
    assert one != other


def test_an_axis_of_blocks_counts_them_and_one_of_frequencies_is_logarithmic() -> None:
    blocks = plots.figure(Chart("lines", (series("vit", range(8), np.zeros(8)),)))
    assert blocks.layout.xaxis.dtick == 1
    logarithmic = plots.figure(Chart("lines", (CNN,), ticks=(0.1, 1.0)))
    assert logarithmic.layout.xaxis.type == "log" and list(logarithmic.layout.xaxis.ticktext) == ["0.1", "1"]


def test_a_level_is_named_and_unknown_values_leave_gaps() -> None:
    gap = series("vit", [0, 1, 2], [0.1, math.nan, 0.3], [0, math.nan, 0.2], [0.2, math.nan, 0.4])
    plot = plots.figure(Chart("lines", (gap,), levels=(Level(0.5, "chance"),)))
    assert list(plot.data[0].x) == [0, 2, 2, 0] and any(note.text == "chance" for note in plot.layout.annotations)


@pytest.mark.parametrize("name", ["starter-vit", "timm/vit_base_patch16_224.augreg2_in21k_ft_in1k: shift and turn"])
def test_a_label_is_cut_into_a_few_short_lines(name: str) -> None:
    lines = plots.wrapped(name)
    assert 1 <= len(lines) <= plots.LINES and max(map(len, lines)) <= plots.LONGEST
