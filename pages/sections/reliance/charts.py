"""The charts of the page "Background and texture": one colour a model, intervals on everything that is measured.

They only draw: rows of tables in, plotly figures out. `order` is all of the page's models: a model's place in it is its
colour, whether the others' results are there yet or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pages.common import colours

HEIGHT = 360
_LAYOUT: dict[str, Any] = {
    "height": HEIGHT,
    "margin": {"l": 64, "r": 16, "t": 40, "b": 48},
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    "dragmode": False,
}


def bars(
    order: Sequence[str],
    groups: Sequence[str],
    series: Mapping[str, Sequence[Mapping[str, float]]],
    title: str,
    percent: bool = True,
) -> go.Figure:
    """Bars side by side: `series` gives each model one row (value, low, high) a group; NaN leaves a gap."""
    chart = go.Figure()
    for model, rows in series.items():
        number = order.index(model)
        value, low, high = (np.array([row[name] for row in rows], float) for name in ("value", "low", "high"))
        chart.add_bar(
            x=list(groups),
            y=value,
            name=model,
            marker={"color": colours.model(number), "line": {"width": 0}},
            error_y=_errors(value, low, high),
            customdata=np.column_stack([low, high]),
            hovertemplate=f"{model}, %{{x}}: %{{y:{_form(percent)}}} (%{{customdata[0]:{_form(percent)}}} to "
            f"%{{customdata[1]:{_form(percent)}}})<extra></extra>",
        )
    chart.update_layout(**_LAYOUT, barmode="group", bargap=0.28, bargroupgap=0.06)
    chart.update_xaxes(fixedrange=True)
    chart.update_yaxes(title=title, rangemode="tozero", tickformat=".0%" if percent else None, fixedrange=True)
    return chart


def curves(
    order: Sequence[str],
    series: Mapping[str, pd.DataFrame],
    across: str,
    up: str,
    percent: bool = True,
    ticks: Sequence[float] = (),
) -> go.Figure:
    """A line a model over a numeric axis, with its interval as a band; with `ticks`, on a logarithmic axis that has them.

    `series` gives each model a table with x, value, low and high, from left to right; see `curve`.
    """
    chart = go.Figure()
    for model, rows in series.items():
        number = order.index(model)
        chart.add_scatter(
            x=[*rows["x"], *rows["x"][::-1]],
            y=[*rows["high"], *rows["low"][::-1]],
            mode="lines",
            fill="toself",
            fillcolor=colours.model(number, 0.16),
            line={"width": 0},
            hoverinfo="skip",
            showlegend=False,
            legendgroup=model,
        )
        chart.add_scatter(
            x=rows["x"],
            y=rows["value"],
            mode="lines+markers",
            name=model,
            legendgroup=model,
            line={"color": colours.model(number), "width": 2},
            marker={"size": 5},
            hovertemplate=f"{model} at %{{x:.3g}}: %{{y:{_form(percent)}}}<extra></extra>",
        )
    chart.update_layout(**_LAYOUT)
    chart.update_xaxes(title=across, fixedrange=True, zeroline=False)
    if ticks:
        chart.update_xaxes(type="log", tickvals=list(ticks), ticktext=[f"{tick:g}" for tick in ticks])
    chart.update_yaxes(title=up, tickformat=".0%" if percent else None, rangemode="tozero", fixedrange=True)
    return chart


def curve(table: pd.DataFrame, x: str, value: str, low: str = "", high: str = "") -> pd.DataFrame:
    """These columns of a table as `curves` draws them; the interval's are `..._low` and `..._high` where they are not named."""
    columns = {"x": x, "value": value, "low": low or f"{value}_low", "high": high or f"{value}_high"}
    return pd.DataFrame({name: table[column] for name, column in columns.items()})


def spectrum(order: Sequence[str], tables: Mapping[str, pd.DataFrame]) -> go.Figure:
    """For each model a map of the share of gradient energy: layers from the image (bottom) upwards, frequency across. One
    scale for all: the more colour, the larger the share."""
    chart = make_subplots(cols=len(tables), subplot_titles=list(tables), horizontal_spacing=0.06)
    most = max(float(rows["share"].max()) for rows in tables.values())
    for column, (model, rows) in enumerate(tables.items(), start=1):
        number = order.index(model)
        wide = rows.pivot(index="depth", columns="from", values="share")
        middle = (rows["from"].unique() + rows["to"].unique()) / 2
        chart.add_heatmap(
            x=middle,
            y=wide.index,
            z=wide.to_numpy(),
            zmin=0,
            zmax=most,
            colorscale=[[0, colours.model(number, 0.02)], [1, colours.model(number)]],
            showscale=False,
            customdata=[[site] * wide.shape[1] for site in rows["site"].unique()],
            hovertemplate="%{customdata}: %{z:.1%} around %{x:.3f} of Nyquist<extra></extra>",
            row=1,
            col=column,
        )
    chart.update_layout(**{**_LAYOUT, "height": 300})
    chart.update_xaxes(title="frequency, fraction of Nyquist", fixedrange=True)
    chart.update_yaxes(fixedrange=True, dtick=1)
    chart.update_yaxes(title="layer", col=1)
    return chart


def robustness(order: Sequence[str], fit: Mapping[str, Any], what: str) -> go.Figure:
    """Accuracy on a cut variant against accuracy in full, one point a model, both with intervals, and the fitted line."""
    chart = go.Figure()
    if (line := fit["line"]) is not None:
        x = np.linspace(max(min(point["full"] for point in fit["points"]) - 0.05, 0.01), 0.99, 60)
        odds = line["slope"] * np.log(x / (1 - x)) + line["intercept"]
        chart.add_scatter(
            x=x,
            y=1 / (1 + np.exp(-odds)),
            mode="lines",
            name="fitted line (log-odds)",
            line={"color": colours.of("quiet"), "dash": "dash", "width": 1.5},
            hoverinfo="skip",
        )
    for point in fit["points"]:
        number = order.index(point["model"])
        chart.add_scatter(
            x=[point["full"]],
            y=[point["cut"]],
            error_x=_errors([point["full"]], [point["full_interval"][0]], [point["full_interval"][1]]),
            error_y=_errors([point["cut"]], [point["cut_interval"][0]], [point["cut_interval"][1]]),
            mode="markers",
            name=point["model"],
            marker={"color": colours.model(number), "size": 11},
            hovertemplate=f"{point['model']}: %{{x:.1%}} in full, %{{y:.1%}} on {what}<extra></extra>",
        )
    chart.update_layout(**_LAYOUT)
    chart.update_xaxes(title="top-1 accuracy on full images", tickformat=".0%", fixedrange=True, zeroline=False)
    chart.update_yaxes(title=f"top-1 accuracy on {what}", tickformat=".1%", fixedrange=True, zeroline=False)
    return chart


def reliance(order: Sequence[str], intervals: Mapping[str, Sequence[float]]) -> go.Figure:
    """How much the place counts, a point a model with its interval; lines at what ignoring and ideal use come to."""
    chart = go.Figure()
    for model, (value, low, high) in intervals.items():
        number = order.index(model)
        chart.add_scatter(
            x=[value],
            y=[model],
            error_x=_errors([value], [low], [high]),
            mode="markers",
            marker={"color": colours.model(number), "size": 12},
            showlegend=False,
            hovertemplate=f"{model}: {value:.2f} ({low:.2f} to {high:.2f})<extra></extra>",
        )
    for place, text in ((0, "no reliance"), (1, "ideal observer")):
        chart.add_vline(x=place, line={"color": colours.of("quiet"), "dash": "dot", "width": 1.5})
        chart.add_annotation(
            x=place, y=1, yref="paper", text=text, showarrow=False, yanchor="bottom",
            font={"color": colours.of("quiet"), "size": 12},
        )  # fmt: skip
    chart.update_layout(
        **{**_LAYOUT, "height": 130 + 42 * len(intervals), "margin": {"l": 130, "r": 16, "t": 36, "b": 48}}
    )
    most = max(1.15, *(high for _, _, high in intervals.values()))
    chart.update_xaxes(title="reliance on the place (1 = ideal observer)", range=[-0.12, most + 0.1], fixedrange=True)
    chart.update_yaxes(fixedrange=True, autorange="reversed")
    return chart


def _errors(value: Any, low: Any, high: Any) -> dict[str, Any]:
    value, low, high = (np.asarray(each, float) for each in (value, low, high))
    return {
        "type": "data",
        "symmetric": False,
        "array": high - value,
        "arrayminus": value - low,
        "color": colours.of("text"),
        "thickness": 1.2,
        "width": 4,
    }


def _form(percent: bool) -> str:
    return ".1%" if percent else ".3g"


NUMBERS = {
    "top1": "Top-1",
    "top5": "Top-5",
    "top1_normalised": "Top-1 of full",
    "top5_normalised": "Top-5 of full",
}
VARIANTS = {"full": "full image", "foreground": "object only", "background": "background only"}
INTERVAL = "Whiskers and bands are 95% intervals."


def cell(row: Mapping[Any, Any], name: str) -> str:
    """One number of a row with its interval, in percent."""
    if pd.isna(row[name]):
        return "–"
    return f"{100 * row[name]:.1f} ({100 * row[f'{name}_low']:.1f} to {100 * row[f'{name}_high']:.1f})"


def interval(row: Mapping[Any, Any], name: str) -> dict[str, float]:
    """One number of a row for a chart: value, low, high."""
    return {"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}


def variant(row: Mapping[Any, Any]) -> str:
    """What was shown, in words."""
    name = VARIANTS.get(row["variant"], row["variant"])
    return f"{name}, {row['fill']}" if row["fill"] else name


def points(row: Mapping[Any, Any] | None) -> str:
    """A difference of accuracies with its interval, in points."""
    if row is None:
        return "–"
    low, high = row["interval"]
    return f"{100 * row['difference']:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})".replace("-", "−")
