"""Maps of numbers as squares, side by side on one scale: the more colour, the greater the value."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from engine.figures.chart import Chart, Map, shortened, text_of
from pages.common import colours
from pages.common.charts import marks

HEIGHT = 300
LETTERS, FEWEST = 48, 10
"""Letters of all titles together, which stand in one line, and of one of them."""


def figure(chart: Chart) -> go.Figure:
    """A map for each model. Squares are square where a map's columns and rows are places."""
    most = max(float(each.values.max()) for each in chart.maps) or 1.0
    titles = shortened([each.name for each in chart.maps], max(FEWEST, LETTERS // len(chart.maps)))
    plot = make_subplots(cols=len(titles), subplot_titles=titles, horizontal_spacing=0.08)
    for number, each in enumerate(chart.maps, start=1):
        plot.add_trace(_map(chart, each, most), row=1, col=number)
        if each.opens:
            plot.add_trace(_squares(each), row=1, col=number)
    layout: Any = plot.layout
    for note, each in zip(layout.annotations, chart.maps, strict=True):
        note.update(font={"size": 13, "color": marks.ink(each.colour)})
    plot.update_layout(height=HEIGHT, margin={"l": 46, "r": 8, "t": 28, "b": 46}, dragmode=False)
    plot.update_xaxes(title=chart.across, fixedrange=True, showgrid=False, zeroline=False)
    plot.update_yaxes(fixedrange=True, showgrid=False, zeroline=False)
    plot.update_yaxes(title=chart.up, col=1)
    if not chart.upwards:  # places of an image: row 0 on top, and squares that are square
        for number in range(1, len(titles) + 1):
            end = "" if number == 1 else str(number)
            plot.update_yaxes(autorange="reversed", scaleanchor=f"x{end}", constrain="domain", col=number)
            plot.update_xaxes(constrain="domain", col=number)
    return plot


def _squares(each: Map) -> go.Scatter:
    """What can be clicked, over a map: plotly selects points, and no squares of a map."""
    places = [(x, y) for y in each.y for x in each.x]
    side = (HEIGHT - 74) / max(len(each.x), len(each.y))
    unseen = {"opacity": 0}
    return go.Scatter(
        x=[x for x, _ in places], y=[y for _, y in places], mode="markers", customdata=[list(opened) for opened in each.opens],
        marker={"symbol": "square", "size": side, "opacity": 0}, selected={"marker": unseen}, unselected={"marker": unseen},
        hoverinfo="none", showlegend=False,
    )  # fmt: skip


def _map(chart: Chart, each: Map, most: float) -> go.Heatmap:
    about = each.about or tuple(f"row {row:g}" for row in each.y)
    texts: list[list[Any]] = [
        [
            f"<b>{each.name}</b><br>{said}, {x:.3g} across<br>{text_of(value, chart.share, 1)}"
            for x, value in zip(each.x, line, strict=True)
        ]
        for said, line in zip(about, each.values.tolist(), strict=True)
    ]
    return go.Heatmap(
        x=list(each.x), y=list(each.y), z=each.values.tolist(), zmin=0, zmax=most, showscale=False, xgap=1, ygap=1,
        colorscale=[[0, colours.model(each.colour, 0.03)], [1, colours.model(each.colour)]],
        hovertext=texts, hoverinfo="text",
    )  # fmt: skip
