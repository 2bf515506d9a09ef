"""What the points of every chart have in common: their colour, what is said of them, their whiskers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from engine.figures.chart import Chart, Series, between, legible, text_of
from pages.common import colours


def colour(place: int | None, alpha: float = 1.0) -> str:
    """The colour of a model by its place; that of what is no model for None."""
    return colours.of("quiet") if place is None else colours.model(place, alpha)


def ink(place: int | None) -> str:
    """The same colour, for text."""
    return legible(colour(place), colours.theme() == "dark")


def said(chart: Chart, each: Series, number: int) -> str:
    """What is said of a point where it is pointed at: the series, what the point is, its value and interval."""
    digits = 1 if chart.share else 0
    text = f"{text_of(each.y[number], chart.share, digits)}"
    if each.low and math.isfinite(each.low[number]):
        text += f" ({between(each.low[number], each.high[number], chart.share, digits)})"
    x = each.x[number]
    where = each.about[number] if each.about else x if isinstance(x, str) else f"{chart.across}: {x:.3g}"
    return "<br>".join(filter(None, (each.name and f"<b>{each.name}</b>", str(where), text)))


def write(plot: go.Figure, notes: Sequence[dict[str, Any]], lines: Sequence[dict[str, Any]] = ()) -> None:
    """Texts and lines (plotly's annotations and shapes) onto a chart, all at once: whenever one is added, plotly makes all
    that are there anew."""
    layout: Any = plot.layout
    layout.annotations = (*layout.annotations, *({"showarrow": False, **note} for note in notes))
    layout.shapes = (*layout.shapes, *lines)


def across(at: float, line: dict[str, Any]) -> dict[str, Any]:
    """A line from side to side, at a height."""
    return {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "y0": at, "y1": at, "line": line}


def down(at: float, line: dict[str, Any]) -> dict[str, Any]:
    """A line from top to bottom, at a place across."""
    return {"type": "line", "yref": "y domain", "y0": 0, "y1": 1, "x0": at, "x1": at, "line": line}


def whiskers(each: Series) -> dict[str, Any]:
    """Plotly's error bars of a series."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for value, high in zip(each.y, each.high, strict=True)],
        "arrayminus": [value - low for value, low in zip(each.y, each.low, strict=True)],
        "color": colours.of("text"),
        "thickness": 1.2,
        "width": 4,
    }
