"""The charts of the spatial probe, as what they show: one colour a model, intervals as bands or whiskers; and the image whose
positions can be clicked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from engine.figures.chart import DEPTH, Chart, Level, Map, Series, series
from pages.common import colours
from pages.common.colours import Side

HEADS = {
    "cls": "class token",
    "patch_mean": "mean of patches",
    "all_mean": "mean of all tokens",
    "patch_average": "single patch, average",
    "patch_maximum": "single patch, best",
}
"""What the last layer's head is applied to, in words."""
SIZE = 300
"""Of the image that can be clicked, in pixels."""
SHARES = ("self_retrieval", "object_share", "map_between")
"""Measures that are shares: drawn from 0 to 100%."""
Tables = Mapping[Side, tuple[str, pd.DataFrame]]


def place(side: Side) -> int:
    """A side's colour among those of models."""
    return "ab".index(side)


def curve(side: Side, name: str, table: pd.DataFrame, measure: str, **rest: Any) -> Series:
    """One measurement of every block of a model. A click on a block opens it: its points carry how deep it lies, 0 to 1."""
    bounds = table[f"{measure}_low"], table[f"{measure}_high"]
    return series(name, table["depth"], table[measure], *bounds, colour=place(side), **blocks(table), **rest)


def blocks(table: pd.DataFrame) -> dict[str, Any]:
    """What the points of these rows, a block each, are about and open."""
    numbers, named = table["layer"].tolist(), table["maps" if "maps" in table else "site"]
    about = tuple(f"block {block}: {site}" for block, site in zip(numbers, named, strict=True))
    return {"about": about, "opens": opening(numbers)}


def opening(numbers: Sequence[float], before: int = 0) -> tuple[list[float], ...]:
    """How deep blocks of these numbers lie, 0 to 1, as a click on a point opens them; `before`: how much the numbers are above
    those of blocks."""
    last = max(max(numbers, default=0) - before, 1)
    return tuple([max(number - before, 0) / last] for number in numbers)


def curves(tables: Tables, measure: str, up: str, **rest: Any) -> Chart:
    """One measurement of every block of one or two models, with its interval over images; dotted, where it has one, the same with
    other images' masks."""
    drawn = []
    for side, (model, table) in tables.items():
        if table[measure].notna().any():
            drawn.append(curve(side, model, table, measure))
            if (control := CONTROLS.get(measure)) is not None:
                common = {"colour": place(side), "dash": 1, **blocks(table)}
                drawn.append(series(f"{model}, other masks", table["depth"], table[control], **common))
    return Chart("lines", tuple(drawn), DEPTH, up, share=measure in SHARES, **rest)


CONTROLS = {
    "localisation_strongest": "localisation_strongest_control",
    "localisation_auroc": "localisation_control",
    "object_share": "object_share_control",
}


def localisation(tables: Tables, measure: str = "localisation_strongest", **rest: Any) -> Chart:
    """Localisation on the strongest images, or over all (`localisation_auroc`), with its interval over images and, dotted,
    the same against other images' masks."""
    levels = (Level(0.5, "chance"),)
    return curves(tables, measure, "AUROC, object against background", span=(0.4, 1.0), levels=levels, **rest)


def accuracies(rows: Mapping[str, Tables], across: str, before: int = 0, **rest: Any) -> Chart:
    """Accuracy against a block number: for each label (one dash each), a table of each model with `index`, which is a number of
    blocks where `before` is 1. A click on a point opens its block."""
    drawn = []
    for dash, (label, sides) in enumerate(rows.items()):
        for side, (model, table) in sides.items():
            if len(table):
                ordered = table.sort_values("index")
                name = f"{model}: {label}" if label else model
                bounds = ordered["interval_low"], ordered["interval_high"]
                opens = opening(ordered["index"].tolist(), before)
                common = {"colour": place(side), "dash": dash, "opens": opens}
                drawn.append(series(name, ordered["index"], ordered["top1"], *bounds, **common))
    return Chart("lines", tuple(drawn), across, "top-1 accuracy", share=True, **rest)


def bars(sides: Tables, labels: Sequence[str], names: Sequence[str], **rest: Any) -> Chart:
    """Top-1 accuracy of named conditions; `labels` are the conditions in words."""
    drawn = []
    for side, (model, table) in sides.items():
        by_name = table.set_index("name")
        there = [name for name in names if name in by_name.index]
        rows = by_name.loc[there]
        said = np.array([labels[names.index(name)] for name in there], object)
        drawn.append(series(model, said, rows["top1"], rows["interval_low"], rows["interval_high"], colour=place(side)))
    return Chart("bars", tuple(drawn), "top-1 accuracy", share=True, **rest)


def positions(maps: Mapping[Side, tuple[str, np.ndarray]], **rest: Any) -> Chart:
    """Accuracy (rows, columns) on each position alone, row 0 on top. A click on a position opens (down, across) it."""
    drawn = []
    for side, (model, values) in maps.items():
        rows, columns = values.shape
        x, y = tuple(map(float, range(columns))), tuple(map(float, range(rows)))
        opens = tuple(
            [(row + 0.5) / rows, (column + 0.5) / columns] for row in range(rows) for column in range(columns)
        )
        drawn.append(Map(model, values, x, y, place(side), opens=opens))
    return Chart("maps", across="column", up="row", share=True, maps=tuple(drawn), **rest)


def heads_of_blocks(sides: Tables, **rest: Any) -> Chart:
    """Entropy of attention in every block: the mean of its heads, and as a band from its lowest head to its highest."""
    drawn = []
    for side, (model, table) in sides.items():
        if len(table):
            heads = table.groupby("block")["entropy"].agg(["mean", "min", "max"])
            x = heads.index.to_numpy()
            opens = opening(x.tolist())
            drawn.append(series(model, x, heads["mean"], heads["min"], heads["max"], colour=place(side), opens=opens))
    up = "entropy, of that of uniform attention"
    return Chart("lines", tuple(drawn), "block", up, share=True, levels=(Level(1.0, "uniform"),), **rest)


def moved(tables: Tables, measure: str, up: str, **rest: Any) -> Chart:
    """How maps or means follow shifted images (unbroken) and turned ones (dotted)."""
    drawn = []
    for side, (model, table) in tables.items():
        for dash, kind in enumerate(("shift", "turn")):
            part = table[table.kind == kind]
            if len(part):
                bounds = part[f"{measure}_low"], part[f"{measure}_high"]
                common = {"colour": place(side), "dash": dash, **blocks(part)}
                drawn.append(series(f"{model}: {kind}", part["depth"], part[measure], *bounds, **common))
    return Chart("lines", tuple(drawn), DEPTH, up, **rest)


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
            marker={"size": max(5, 320 // max(rows, columns)), "symbol": "square", "color": colours.tint(side, 0.02)},
            hovertemplate="follow this position<extra></extra>",
            selected={"marker": {"opacity": 1, "color": colours.tint(side, 0.55)}},
            unselected={"marker": {"opacity": 1}},
        )
    )
    chart.add_layout_image(
        source=picture, xref="x", yref="y", x=0, y=0, sizex=1, sizey=1, sizing="stretch", layer="below"
    )
    chart.update_layout(height=SIZE, margin={"l": 0, "r": 0, "t": 0, "b": 0}, dragmode=False, showlegend=False)
    chart.update_xaxes(visible=False, range=[0, 1], fixedrange=True, constrain="domain", constraintoward="left")
    chart.update_yaxes(
        visible=False, range=[1, 0], fixedrange=True, scaleanchor="x", constrain="domain", constraintoward="top"
    )
    return chart
