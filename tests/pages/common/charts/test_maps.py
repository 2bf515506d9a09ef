"""Maps on a page share one scale, and say what a square is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.figures.chart import Chart, Map
from pages.common.charts import maps

ONE = Map("vit", np.array([[0.1, 0.4], [0.2, 0.3]]), (0.25, 0.75), (0, 1), 0, ("layer 0: a", "layer 1: b"))
OTHER = Map("cnn", np.array([[0.8]]), (0.5,), (0,), 1)


def test_all_maps_have_the_scale_of_the_greatest_value() -> None:
    plot = maps.figure(Chart("maps", maps=(ONE, OTHER), share=True, upwards=True))
    assert [(trace.zmin, trace.zmax) for trace in plot.data] == [(0, 0.8), (0, 0.8)]
    assert [note.text for note in plot.layout.annotations] == ["vit", "cnn"]
    assert plot.data[0].hovertext[1][0] == "<b>vit</b><br>layer 1: b, 0.25 across<br>20.0%"


def test_long_titles_side_by_side_are_cut_where_they_are_alike() -> None:
    names = [f"timm/vit_{size}_patch16_224.augreg_in21k_ft_in1k" for size in ("small", "base")]
    plot = maps.figure(Chart("maps", maps=tuple(replace(ONE, name=name) for name in names)))
    small, base = (note.text for note in plot.layout.annotations)
    assert "small" in small and "base" in base and len(small) + len(base) <= maps.LETTERS


def test_places_of_an_image_have_row_0_on_top() -> None:
    assert maps.figure(Chart("maps", maps=(ONE,))).layout.yaxis.autorange == "reversed"
    assert maps.figure(Chart("maps", maps=(ONE,), upwards=True)).layout.yaxis.autorange is None
