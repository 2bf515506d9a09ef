"""Counts of values and clouds of points as plotly figures in the colours of the theme."""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go

from engine.figures.chart import Chart, Series, across_of, apart, counted, text_of, width_at
from pages.common import colours
from pages.common.charts.marks import colour, down, ink, write

COUNTS, CLOUD = 200, 460
"""Heights in pixels."""
NAMES_APART = 0.2
"""Of the axis: how far apart the names of two levels are."""


def counts(chart: Chart) -> go.Figure:
    """A bar for each value on a logarithmic axis, and a line down at each level, named above the bars."""
    plot = go.Figure()
    for each in chart.series:
        plot.add_bar(
            x=list(each.x),
            y=list(each.y),
            width=width_at(each.x) * 0.96,
            marker={"color": colour(each.colour), "opacity": 0.6, "line": {"width": 0}},
            hovertext=[f"{y:,.0f} around {text_of(x, False)}" for x, y in zip(each.x, each.y, strict=True)],
            hoverinfo="text",
            customdata=[list(opened) for opened in each.opens] or None,
            unselected={"marker": {"opacity": 0.6}},
        )
    low, high = across_of(chart)
    belongs = [(level.at - low) / (high - low) for level in chart.levels]
    places = apart(belongs, [NAMES_APART] * len(belongs), 0.06, 0.94)
    notes = [
        {
            "x": place, "xref": "paper", "y": 1, "yref": "paper", "text": level.text, "yanchor": "bottom",
            "font": {"color": ink(level.colour), "size": 12},
        }
        for level, place in zip(chart.levels, places, strict=True)
    ]  # fmt: skip
    lines = [down(level.at, {"color": colour(level.colour), "width": 2}) for level in chart.levels]
    write(plot, [_title(chart, 22 if chart.levels else 4), *notes], lines)
    least, most = (math.log10(each) for each in counted(chart))
    plot.update_layout(
        height=COUNTS, margin={"l": 46, "r": 10, "t": 44, "b": 40}, showlegend=False, bargap=0.04, dragmode=False,
        hovermode="x",  # a bar on a card is four pixels wide: it is pointed at from above too
    )  # fmt: skip
    plot.update_xaxes(title=chart.across, range=[low, high], zeroline=False, fixedrange=True)
    plot.update_yaxes(type="log", dtick=1, range=[least, most], fixedrange=True)
    return plot


def cloud(chart: Chart) -> go.Figure:
    """Points as large as they say; those that are selected stand out."""
    plot = go.Figure()
    for each in chart.series:
        _points(plot, each)
    under, font = colours.tint("page", 0.72), {"size": 11, "color": colours.of("text")}
    names = [
        {"x": x, "y": y, "text": name, "yshift": 12, "borderpad": 1, "bgcolor": under, "font": font}
        for each in chart.series
        for x, y, name in zip(each.x, each.y, each.written, strict=False)
        if name
    ]
    write(plot, [_title(chart, 4), *names])
    plot.update_layout(
        height=CLOUD,
        margin={"l": 44, "r": 8, "t": 28, "b": 40},
        dragmode="pan",
        clickmode="event+select",
        showlegend=False,
        hovermode="closest",
    )
    line = colours.of("line")
    plot.update_xaxes(title=chart.across, zeroline=True, zerolinecolor=line)
    plot.update_yaxes(zeroline=True, zerolinecolor=line)
    return plot


def _points(plot: go.Figure, each: Series) -> None:
    pale = each.colour is None
    size: Any = [4 + 7 * part for part in each.size] or 6
    plot.add_scatter(
        x=list(each.x),
        y=list(each.y),
        mode="markers",
        name=each.name,
        marker={"color": colour(each.colour), "opacity": 0.35 if pale else 0.65, "size": size, "line": {"width": 0}},
        hovertext=list(each.about) or each.name,
        hoverinfo="text",
        customdata=[list(opened) for opened in each.opens] or None,
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 0.18}},
    )


def _title(chart: Chart, above: int) -> dict[str, Any]:
    """What is measured upwards, level above the axis: nobody has to turn their head."""
    return {
        "x": 0, "xref": "paper", "xanchor": "left", "xshift": -42, "y": 1, "yref": "paper", "yanchor": "bottom",
        "yshift": above, "text": chart.up, "font": {"size": 12, "color": colours.of("text")},
    }  # fmt: skip
