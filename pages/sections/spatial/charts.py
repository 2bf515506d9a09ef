"""The charts of the spatial probe: curves over the depth, one colour a model, intervals as bands or whiskers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.common import colours
from pages.common.colours import Side
from pages.common.line_charts import DEPTH, blank, level, line


def curves(tables: Mapping[Side, tuple[str, pd.DataFrame]], name: str, y: str) -> go.Figure:
    """One measurement of every block of one or two models, with its interval over images."""
    made = blank(DEPTH, y)
    for side, (model, table) in tables.items():
        if table[name].notna().any():
            line(made, table["depth"], table[name], model, side, table[f"{name}_low"], table[f"{name}_high"])
    return made


def localisation(tables: Mapping[Side, tuple[str, pd.DataFrame]]) -> go.Figure:
    """Localisation with the spread over units (the middle half) and, dotted, the same against other images' masks."""
    made = blank(DEPTH, "AUROC, object against the rest")
    for side, (model, table) in tables.items():
        if table["localisation_auroc"].notna().any():
            spread = table["localisation_quartile_1"], table["localisation_quartile_3"]
            line(made, table["depth"], table["localisation_auroc"], model, side, *spread)
            line(made, table["depth"], table["localisation_control"], f"{model}, other images' masks", side, dash=1)
    level(made, 0.5, "chance")
    return made


def accuracies(rows: Mapping[str, Mapping[Side, tuple[str, pd.DataFrame]]], x: str) -> go.Figure:
    """Accuracy against a block number: for each label (one dash each), a table of each model with `index`."""
    made = blank(x, "top-1 accuracy, %")
    for dash, (label, sides) in enumerate(rows.items()):
        for side, (model, table) in sides.items():
            if len(table):
                ordered = table.sort_values("index")
                bounds = 100 * ordered["interval_low"], 100 * ordered["interval_high"]
                line(made, ordered["index"], 100 * ordered["top1"], f"{model}: {label}", side, *bounds, dash, ".1f")
    made.update_xaxes(dtick=1)
    made.update_yaxes(rangemode="tozero")
    return made


def bars(sides: Mapping[Side, tuple[str, pd.DataFrame]], labels: Sequence[str], names: Sequence[str]) -> go.Figure:
    """Top-1 accuracy of named conditions side by side, with 95% whiskers; `labels` are the conditions in words."""
    made = blank("", "top-1 accuracy, %", barmode="group", bargap=0.3)
    for side, (model, table) in sides.items():
        found = table.set_index("name")
        there = [name for name in names if name in found.index]
        rows = found.loc[there]
        made.add_trace(
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
    made.update_layout(hovermode="closest", showlegend=True)
    made.update_yaxes(range=[0, 100])
    return made


def heat(values: np.ndarray, side: Side, title: str, size: int = 300) -> go.Figure:
    """A map of percentages (rows, columns) as squares, row 0 on top; dark to bright in the model's colour."""
    made = go.Figure(
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
    made.update_layout(height=size, margin={"l": 40, "r": 10, "t": 10, "b": 40}, dragmode=False)
    made.update_xaxes(title="column", fixedrange=True, constrain="domain", showgrid=False, zeroline=False)
    made.update_yaxes(
        title="row", fixedrange=True, autorange="reversed", scaleanchor="x", constrain="domain", showgrid=False,
        zeroline=False,
    )  # fmt: skip
    return made


def heads_of_blocks(sides: Mapping[Side, tuple[str, pd.DataFrame]]) -> go.Figure:
    """Entropy of every head of every block; the line joins each block's mean."""
    made = blank("block", "entropy of attention, share of uniform")
    for side, (model, table) in sides.items():
        if not len(table):
            continue
        made.add_trace(
            go.Scatter(
                x=table["block"], y=table["entropy"], mode="markers", name=f"{model}: each head",
                marker={"color": colours.tint(side, 0.55), "size": 8},
                customdata=table[["head", "distance"]],
                hovertemplate="head %{customdata[0]}: %{y:.3f}, distance from uniform %{customdata[1]:.2f}<extra></extra>",
            )
        )  # fmt: skip
        mean = table.groupby("block")["entropy"].mean()
        line(made, mean.index.to_numpy(), mean, f"{model}: mean of the block", side)
    level(made, 1.0, "uniform")
    made.update_layout(hovermode="closest")
    made.update_xaxes(dtick=1)
    return made


def clickable(picture: str, rows: int, columns: int, side: Side) -> go.Figure:
    """An image (a data URI) under a grid of positions, each of which can be clicked: customdata is (down, across)."""
    down, across = np.divmod(np.arange(rows * columns), columns)
    places = np.stack([(down + 0.5) / rows, (across + 0.5) / columns], axis=1)
    made = go.Figure(
        go.Scatter(
            x=places[:, 1],
            y=places[:, 0],
            mode="markers",
            customdata=places,
            marker={"size": max(5, 280 // max(rows, columns)), "symbol": "square", "color": colours.tint(side, 0.02)},
            hovertemplate="follow this position<extra></extra>",
            selected={"marker": {"opacity": 1, "color": colours.tint(side, 0.55)}},
            unselected={"marker": {"opacity": 1}},
        )
    )
    made.add_layout_image(
        source=picture, xref="x", yref="y", x=0, y=0, sizex=1, sizey=1, sizing="stretch", layer="below"
    )
    made.update_layout(height=260, margin={"l": 0, "r": 0, "t": 0, "b": 0}, dragmode=False, showlegend=False)
    made.update_xaxes(visible=False, range=[0, 1], fixedrange=True, constrain="domain", constraintoward="left")
    made.update_yaxes(
        visible=False, range=[1, 0], fixedrange=True, scaleanchor="x", constrain="domain", constraintoward="top"
    )
    return made
