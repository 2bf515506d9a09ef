"""The charts of the spatial probe: curves over the depth, one colour a model, intervals as bands or whiskers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.common import colours
from pages.common.colours import Side
from pages.common.line_charts import DEPTH, Curve, blank, level, line


def curves(tables: Mapping[Side, tuple[str, pd.DataFrame]], name: str, y: str) -> go.Figure:
    """One measurement of every block of one or two models, with its interval over images."""
    chart = blank(DEPTH, y)
    for side, (model, table) in tables.items():
        if table[name].notna().any():
            line(chart, Curve(table["depth"], table[name], table[f"{name}_low"], table[f"{name}_high"]), model, side)
    return chart


def localisation(tables: Mapping[Side, tuple[str, pd.DataFrame]], name: str = "localisation_strongest") -> go.Figure:
    """Localisation on the strongest images, or over all (`localisation_auroc`), with its interval over images and, dotted,
    the same against other images' masks."""
    chart = blank(DEPTH, "AUROC, one side against the other")
    control = {"localisation_auroc": "localisation_control"}.get(name, f"{name}_control")
    for side, (model, table) in tables.items():
        if table[name].notna().any():
            line(chart, Curve(table["depth"], table[name], table[f"{name}_low"], table[f"{name}_high"]), model, side)
            line(chart, Curve(table["depth"], table[control]), f"{model}, other images' masks", side, dash=1)
    level(chart, 0.5, "chance")
    return chart


def accuracies(rows: Mapping[str, Mapping[Side, tuple[str, pd.DataFrame]]], x: str) -> go.Figure:
    """Accuracy against a block number: for each label (one dash each), a table of each model with `index`."""
    chart = blank(x, "top-1 accuracy, %")
    for dash, (label, sides) in enumerate(rows.items()):
        for side, (model, table) in sides.items():
            if len(table):
                ordered = table.sort_values("index")
                bounds = 100 * ordered["interval_low"], 100 * ordered["interval_high"]
                accuracy = Curve(ordered["index"], 100 * ordered["top1"], *bounds)
                line(chart, accuracy, f"{model}: {label}", side, dash, ".1f")
    chart.update_xaxes(dtick=1)
    chart.update_yaxes(rangemode="tozero")
    return chart


def bars(sides: Mapping[Side, tuple[str, pd.DataFrame]], labels: Sequence[str], names: Sequence[str]) -> go.Figure:
    """Top-1 accuracy of named conditions side by side, with 95% whiskers; `labels` are the conditions in words."""
    chart = blank("", "top-1 accuracy, %", barmode="group", bargap=0.3)
    for side, (model, table) in sides.items():
        by_name = table.set_index("name")
        there = [name for name in names if name in by_name.index]
        rows = by_name.loc[there]
        chart.add_trace(
            go.Bar(
                x=[labels[names.index(name)] for name in there],
                y=100 * rows["top1"],
                name=model,
                marker={"color": colours.of(side), "line": {"width": 0}},
                error_y={
                    "array": 100 * (rows["interval_high"] - rows["top1"]),
                    "arrayminus": 100 * (rows["top1"] - rows["interval_low"]),
                    "color": colours.of("text"), "thickness": 1.2, "width": 3,
                },
                hovertemplate="%{y:.1f}%<extra>" + model + "</extra>",
            )
        )  # fmt: skip
    chart.update_layout(hovermode="closest", showlegend=True)
    chart.update_yaxes(range=[0, 100])
    return chart


def heat(values: np.ndarray, side: Side, title: str, size: int = 300) -> go.Figure:
    """A map of percentages (rows, columns) as squares, row 0 on top; dark to bright in the model's colour."""
    chart = go.Figure(
        go.Heatmap(
            z=100 * values,
            colorscale=[[0, colours.tint(side, 0.06)], [1, colours.of(side)]],
            zmin=0,
            zmax=max(100 * float(values.max()), 1.0),
            colorbar={"title": {"text": title, "side": "right"}, "thickness": 12},
            hovertemplate="row %{y}, column %{x}: %{z:.1f}%<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    chart.update_layout(height=size, margin={"l": 40, "r": 10, "t": 10, "b": 40}, dragmode=False)
    chart.update_xaxes(title="column", fixedrange=True, constrain="domain", showgrid=False, zeroline=False)
    chart.update_yaxes(
        title="row", fixedrange=True, autorange="reversed", scaleanchor="x", constrain="domain", showgrid=False,
        zeroline=False,
    )  # fmt: skip
    return chart


def heads_of_blocks(sides: Mapping[Side, tuple[str, pd.DataFrame]]) -> go.Figure:
    """Entropy of every head of every block; the line joins each block's mean."""
    chart = blank("block", "entropy of attention, relative to uniform")
    for side, (model, table) in sides.items():
        if not len(table):
            continue
        chart.add_trace(
            go.Scatter(
                x=table["block"], y=table["entropy"], mode="markers", name=f"{model}: single heads",
                marker={"color": colours.tint(side, 0.55), "size": 8},
                customdata=table[["head", "distance"]].to_numpy().tolist(),
                hovertemplate="head %{customdata[0]}: %{y:.3f}, distance from uniform %{customdata[1]:.2f}<extra></extra>",
            )
        )  # fmt: skip
        mean = table.groupby("block")["entropy"].mean()
        line(chart, Curve(mean.index.to_numpy(), mean), f"{model}: block mean", side)
    level(chart, 1.0, "uniform")
    chart.update_layout(hovermode="closest")
    chart.update_xaxes(dtick=1)
    return chart


def clickable(picture: str, rows: int, columns: int, side: Side) -> go.Figure:
    """An image (a data URI) under a grid of positions, each of which can be clicked: customdata is (down, across)."""
    down, across = np.divmod(np.arange(rows * columns), columns)
    places = np.stack([(down + 0.5) / rows, (across + 0.5) / columns], axis=1)
    chart = go.Figure(
        go.Scatter(
            x=places[:, 1],
            y=places[:, 0],
            mode="markers",
            # A list: an array is sent packed, and what is clicked comes back as its packing instead of the two numbers.
            customdata=places.tolist(),
            marker={"size": max(5, 280 // max(rows, columns)), "symbol": "square", "color": colours.tint(side, 0.02)},
            hovertemplate="follow this position<extra></extra>",
            selected={"marker": {"opacity": 1, "color": colours.tint(side, 0.55)}},
            unselected={"marker": {"opacity": 1}},
        )
    )
    chart.add_layout_image(
        source=picture, xref="x", yref="y", x=0, y=0, sizex=1, sizey=1, sizing="stretch", layer="below"
    )
    chart.update_layout(height=260, margin={"l": 0, "r": 0, "t": 0, "b": 0}, dragmode=False, showlegend=False)
    chart.update_xaxes(visible=False, range=[0, 1], fixedrange=True, constrain="domain", constraintoward="left")
    chart.update_yaxes(
        visible=False, range=[1, 0], fixedrange=True, scaleanchor="x", constrain="domain", constraintoward="top"
    )
    return chart
