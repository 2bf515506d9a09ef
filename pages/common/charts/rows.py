"""Bars and dots in rows: each under the name of what was shown, labelled with its model and its value."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import plotly.graph_objects as go

from engine.figures.chart import Chart, Series, between, shortened, span_of, steps, text_of
from pages.common import colours
from pages.common.charts import marks

ROW, TWO_LINES, TOP, BOTTOM = 22, 32, 6, 44
LONGEST, LINE = 26, 15
"""Letters of a label beside its row, and of a line of it: on a phone names and values leave little for the bars."""
LETTER = 6.0
"""Pixels that a letter takes, on the safe side."""


def figure(chart: Chart) -> go.Figure:
    """A heading for each name, and below it a row for each series."""
    places, ticks = _placed(chart)
    low, high = span_of(chart)
    names = [tick if "span" in tick else "" for tick in ticks]
    plot: Any = go.Figure()
    notes: list[dict[str, Any]] = []
    for number, each in enumerate(chart.series):
        notes += _series(plot, chart, each, places[number])
    digits = _digits(chart)
    values = [_value(chart, each, at, digits) for each in chart.series for at in range(len(each.x))]
    lines = [line for name in names if name for line in _bare(name).split("<br>")]
    height = TOP + BOTTOM + (ROW if len(lines) <= sum(map(bool, names)) else TWO_LINES) * len(ticks)
    plot.update_layout(
        height=height,
        margin={"l": 12 + LETTER * max(map(len, lines), default=0), "t": TOP, "b": BOTTOM,
                "r": 14 + LETTER * max(map(len, values), default=0)},
        showlegend=False, dragmode=False, hovermode="closest", barmode="overlay",
    )  # fmt: skip
    at_axis = steps(low, high, 3)
    plot.update_xaxes(
        title=chart.across, range=[low, high], tickvals=at_axis, ticktext=[text_of(each, chart.share) for each in at_axis],
        zeroline=False, fixedrange=True, automargin=False, showgrid=True, tickangle=0,
    )  # fmt: skip
    plot.update_yaxes(
        range=[len(ticks) - 0.5, -0.5], tickvals=[*range(len(ticks))], ticktext=names, fixedrange=True, showgrid=False,
        zeroline=False, automargin=False,
    )  # fmt: skip
    for row, heading in enumerate(ticks):
        if not names[row]:  # above its rows, over the names of models and the bars alike
            notes.append({
                "x": 0, "xref": "paper", "xanchor": "left", "xshift": 8 - plot.layout.margin.l, "y": row, "yanchor": "middle",
                "text": heading, "font": {"size": 12, "color": colours.of("text")},
            })  # fmt: skip
    for level in chart.levels:
        notes.append({
            "x": level.at, "y": 1, "yref": "paper", "yanchor": "bottom", "text": level.text,
            "font": {"size": 11, "color": colours.of("text")},
        })  # fmt: skip
    dashed = {"dash": "dash", "width": 1}
    marks.write(
        plot,
        notes,
        [marks.down(level.at, {"color": marks.colour(level.colour), **dashed}) for level in chart.levels],
    )
    if chart.levels:
        plot.update_layout(margin={"t": TOP + 18}, height=height + 18)
    return plot


def _placed(chart: Chart) -> tuple[list[dict[str, int]], list[str]]:
    """For each series the row of each of its names; and what stands beside every row."""
    names = list(dict.fromkeys(name for each in chart.series for name in each.x))
    labels = shortened([each.name for each in chart.series], LONGEST)
    places: list[dict[str, int]] = [{} for _ in chart.series]
    ticks: list[str] = []
    for name in names:
        if name:
            ticks.append(f"<b>{name}</b>")
        for number, each in enumerate(chart.series):
            if name in each.x and math.isfinite(each.y[each.x.index(name)]):
                places[number][name] = len(ticks)
                ticks.append(f'<span style="color:{marks.ink(each.colour)}">{_broken(labels[number])}</span>')
    return places, ticks


def _series(plot: go.Figure, chart: Chart, each: Series, places: dict[str, int]) -> list[dict[str, Any]]:
    """Draw a series, and give its values as they are written beside its rows."""
    shown = [at for at, name in enumerate(each.x) if name in places]
    whiskers = {} if not each.low else {"error_x": _cut(marks.whiskers(each), shown)}
    common = {
        "x": [each.y[at] for at in shown],
        "y": [places[each.x[at]] for at in shown],
        "name": each.name,
        "hovertext": [marks.said(chart, each, at) for at in shown],
        "hoverinfo": "text",
        "customdata": [list(each.opens[at]) for at in shown] if each.opens else None,
        "unselected": {"marker": {"opacity": 1}},
        **whiskers,
    }
    if each.opens:  # the whole row can be clicked: a bar may be too short to be hit
        row = {**common, "x": [span_of(chart)[1]] * len(shown), "error_x": None}
        plot.add_bar(orientation="h", width=1.0, marker={"color": "rgba(0,0,0,0)", "line": {"width": 0}}, **row)
    if chart.kind == "bars":
        plot.add_bar(
            orientation="h", width=0.7, marker={"color": marks.colour(each.colour), "line": {"width": 0}}, **common
        )
    else:
        plot.add_scatter(
            mode="markers", marker={"color": marks.colour(each.colour), "size": 11}, cliponaxis=False, **common
        )
    digits = _digits(chart)
    return [
        {
            "x": 1, "xref": "paper", "xanchor": "left", "xshift": 6, "y": places[each.x[at]], "yanchor": "middle",
            "text": _value(chart, each, at, digits), "font": {"size": 12, "color": colours.of("text")},
        }
        for at in shown
    ]  # fmt: skip


def _cut(whiskers: dict, shown: list[int]) -> dict:
    return {**whiskers, **{name: [whiskers[name][at] for at in shown] for name in ("array", "arrayminus")}}


def _value(chart: Chart, each: Series, at: int, digits: int) -> str:
    text = text_of(each.y[at], chart.share, digits)
    return f"{text} ({between(each.low[at], each.high[at], chart.share, digits)})" if each.low else text


def _digits(chart: Chart) -> int:
    return int(any(0 < value < 0.1 for each in chart.series for value in each.y))


def _broken(label: str) -> str:
    """A long name on two lines, where it has words, or is longer than a label can be."""
    cut = len(label) > LONGEST
    lines = textwrap.wrap(label, max(LINE, len(label) // 2 + 2), break_long_words=cut, break_on_hyphens=False)
    return "<br>".join([lines[0], " ".join(lines[1:])]) if len(lines) > 1 else label


def _bare(text: str) -> str:
    return text.partition(">")[2].rpartition("<")[0]
