"""Lines and points of a described chart as a plotly figure in the colours of the theme."""

from __future__ import annotations

import math
from textwrap import wrap
from typing import Any

import plotly.graph_objects as go

from engine.figures.chart import Chart, Level, Series, apart, shortened, span_of, steps, text_of
from pages.common import colours
from pages.common.charts.marks import across, colour, ink, said, whiskers, write

HEIGHT, TOP, BOTTOM, LEFT = 320, 28, 46, 46
LETTER, LEADING = 6.6, 16
"""Pixels that a letter of a label is wide, and a line high."""
LONGEST, LINES = 17, 3
"""Letters in a line of a label, and lines."""
MOST_MARKED = 40
"""Points of a line that are marked; a longer one is a line alone."""
DASHES = ("solid", "dot", "dash")
SYMBOLS = ("circle", "circle-open", "x")


def figure(chart: Chart, height: int = HEIGHT) -> go.Figure:
    """Lines or points within axes, each series named at its right end."""
    plot = go.Figure()
    for each in chart.series:
        _band(plot, each)
    for each in chart.series:
        _series(plot, chart, each)
    low, high = span_of(chart)
    labels = [wrapped(name) for name in shortened([each.name for each in chart.series], LONGEST * LINES)]
    widest = max((len(line) for lines in labels for line in lines), default=0)
    # The axis's title stands above it, level: nobody has to turn their head.
    plot.update_layout(
        height=height,
        margin={"l": LEFT, "r": 14 + LETTER * widest, "t": TOP, "b": BOTTOM},
        showlegend=False,
        dragmode=False,
        hovermode="closest",
    )
    up = {
        "x": 0, "xref": "paper", "xanchor": "left", "xshift": -LEFT + 4, "y": 1, "yref": "paper", "yanchor": "bottom",
        "yshift": 8, "text": chart.up, "font": {"size": 12, "color": colours.of("text")},
    }  # fmt: skip
    marks = steps(low, high)
    texts = [text_of(each, chart.share) for each in marks]
    plot.update_xaxes(title=chart.across, zeroline=False, fixedrange=True, **_across(chart))
    plot.update_yaxes(
        range=[low, high], tickvals=marks, ticktext=texts, zeroline=False, fixedrange=True, automargin=False
    )
    named = _labels(chart, labels, (low, high), height - TOP - BOTTOM)
    levels = [across(level.at, {"color": colour(level.colour), "width": 1, "dash": "dash"}) for level in chart.levels]
    write(plot, [up, *(_level(level) for level in chart.levels), *named], levels)
    return plot


def _across(chart: Chart) -> dict[str, Any]:
    if chart.ticks:
        return {"type": "log", "tickvals": list(chart.ticks), "ticktext": [f"{tick:g}" for tick in chart.ticks]}
    if chart.kind == "points" and chart.share:
        return {"range": [0, 1], "tickformat": ".0%"}
    values = [float(x) for each in chart.series for x in each.x]
    whole = values and all(value == round(value) for value in values) and max(values) - min(values) <= 14
    return {"dtick": 1} if whole and max(values) > 1 else {}


def _band(plot: go.Figure, each: Series) -> None:
    """The interval along a line."""
    known = [
        number
        for number, (low, high) in enumerate(zip(each.low, each.high, strict=True))
        if math.isfinite(low) and math.isfinite(high)
    ]
    if len(known) < 2:
        return
    plot.add_scatter(
        x=[each.x[number] for number in (*known, *known[::-1])],
        y=[each.high[number] for number in known] + [each.low[number] for number in known[::-1]],
        mode="lines",
        fill="toself",
        fillcolor=colour(each.colour, 0.16),
        line={"width": 0},
        hoverinfo="skip",
    )


def _series(plot: go.Figure, chart: Chart, each: Series) -> None:
    lines = chart.kind == "lines" and len(each.x) > 1
    bars: dict[str, Any] = {}
    if not lines and each.low:
        bars["error_y"] = whiskers(each)
    plot.add_scatter(
        x=list(each.x),
        y=list(each.y),
        name=each.name,
        mode="markers" if not lines else "lines+markers" if len(each.x) <= MOST_MARKED else "lines",
        line={"color": colour(each.colour), "width": 2, "dash": DASHES[each.dash % len(DASHES)]},
        marker={
            "size": (8 if each.opens else 6) if lines else 11,
            "symbol": SYMBOLS[each.dash % len(SYMBOLS)],
            "color": colour(each.colour),
        },
        hovertext=[said(chart, each, number) for number in range(len(each.x))],
        hoverinfo="text",
        customdata=[list(opened) for opened in each.opens] or None,
        unselected={"marker": {"opacity": 1}},
        **bars,
    )


def _level(level: Level) -> dict[str, Any]:
    """What a level is, above its line."""
    return {
        "x": 0.01, "xref": "paper", "xanchor": "left", "y": level.at, "yanchor": "bottom", "text": level.text,
        "font": {"size": 11, "color": colours.of("text")},
    }  # fmt: skip


def _labels(chart: Chart, labels: list[list[str]], span: tuple[float, float], tall: int) -> list[dict[str, Any]]:
    """Each series' name at its right end, none above another."""
    ends = [next((y for y in reversed(each.y) if math.isfinite(y)), span[0]) for each in chart.series]
    low, high = span
    shares = [(min(max(y, low), high) - low) / (high - low) for y in ends]
    placed = apart(shares, [len(lines) * LEADING / tall for lines in labels], 0.0, 1.0)
    return [
        {
            "x": 1, "xref": "paper", "xanchor": "left", "xshift": 6, "y": share, "yref": "paper", "yanchor": "middle",
            "align": "left", "text": f"<b>{text}</b>" if each.dash == 0 else text,
            "font": {"size": 12, "color": ink(each.colour)},
        }
        for each, text, share in zip(chart.series, map("<br>".join, labels), placed, strict=True)
    ]  # fmt: skip


def wrapped(name: str) -> list[str]:
    """A label's lines."""
    lines = wrap(name, LONGEST)
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], f"{lines[LINES - 1][: LONGEST - 1]}…"]
