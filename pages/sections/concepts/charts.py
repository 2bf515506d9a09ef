"""The charts of the concept browser: a map of units, shares by layer with intervals, and texts against an image."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.common import colours
from pages.common.colours import Side
from pages.common.line_charts import DEPTH, Curve, blank, line

LABELS = 16
"""Words written on a map, at most: those of the units that fit theirs best, each once, where no other stands already."""
APART = (0.24, 0.055)
"""How far apart labels are, across and down, as a share of the map."""


def units_map(table: pd.DataFrame, side: Side) -> go.Figure:
    """Units on a plane: columns unit, across, down, selectivity, and word, words, score, named where they are named."""
    chart = go.Figure()
    known = "word" in table
    groups = [("named", table[table["named"]]), ("no label", table[~table["named"]])] if known else [("units", table)]
    for name, part in reversed(groups):
        size = 4 + 7 * part["selectivity"].fillna(0) / max(float(table["selectivity"].max()), 1e-9)
        texts = part["words"].map(_wrapped) if name == "named" else [name if known else "not labelled yet"] * len(part)
        chart.add_trace(
            go.Scatter(
                x=part["across"], y=part["down"], mode="markers", name=name,
                marker={
                    "color": colours.of("quiet" if name == "no label" else side),
                    "opacity": 0.35 if name == "no label" else 0.65, "size": size, "line": {"width": 0},
                },
                customdata=np.stack([part["unit"].to_numpy(object), np.asarray(texts, object)], axis=1),
                hovertemplate="<b>Unit %{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
                selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 0.18}},
            )
        )  # fmt: skip
    if known:
        _label(chart, table[table["named"]])
    chart.update_layout(
        height=460, margin={"l": 44, "r": 8, "t": 8, "b": 40}, dragmode="lasso", showlegend=False, hovermode="closest"
    )
    chart.update_xaxes(title="first component", zeroline=True, zerolinecolor=colours.of("line"))
    chart.update_yaxes(title="second component", zeroline=True, zerolinecolor=colours.of("line"))
    return chart


def _label(chart: go.Figure, named: pd.DataFrame) -> None:
    best = named.sort_values("score", ascending=False).drop_duplicates("word")
    wide, high = (max(float(np.ptp(best[axis])), 1e-9) if len(best) else 1.0 for axis in ("across", "down"))
    written: list[tuple[float, float]] = []
    for row in best.to_dict("records"):
        place = row["across"] / wide, row["down"] / high
        if any(abs(place[0] - x) < APART[0] and abs(place[1] - y) < APART[1] for x, y in written):
            continue
        written.append(place)
        chart.add_annotation(
            x=row["across"], y=row["down"], text=textwrap.shorten(str(row["word"]), 20, placeholder="…"),
            showarrow=False, yshift=12, font={"size": 11, "color": colours.of("text")}, borderpad=1,
            bgcolor=colours.tint("page", 0.72),
        )  # fmt: skip
        if len(written) == LABELS:
            return


def shares(
    tables: Mapping[Side, tuple[str, pd.DataFrame]],
    y: str,
    name: str,
    low: str,
    high: str,
    baselines: Mapping[str, str],
) -> go.Figure:
    """A share of units by layer, as curves with their intervals; `baselines` are columns drawn dotted, by what to call
    them. The tables have one row a layer, in order, with `depth` (0 to 1)."""
    chart = blank(DEPTH, y)
    for side, (model, table) in tables.items():
        curve = Curve(table["depth"], 100 * table[name], 100 * table[low], 100 * table[high])
        line(chart, curve, model, side, digits=".1f")
        for dash, (column, told) in enumerate(baselines.items(), start=1):
            if column in table and table[column].notna().any():
                baseline = Curve(table["depth"], 100 * table[column])
                line(chart, baseline, f"{model}: {told}", side, min(dash, 2), ".1f")
                chart.data[-1].showlegend = False  # told by hovering and by the note: six names leave no room to draw
    chart.update_yaxes(rangemode="tozero", ticksuffix="%")
    return chart


def texts(labels: Sequence[str], probabilities: np.ndarray, similarities: np.ndarray) -> go.Figure:
    """How well texts (T,) fit one image: a bar each with its probability in percent, the best on top."""
    order = np.argsort(probabilities, kind="stable")
    names = [textwrap.shorten(labels[place], 48, placeholder="…") for place in order]
    chart = go.Figure(
        go.Bar(
            x=100 * probabilities[order],
            y=list(range(len(labels))),
            orientation="h",
            marker={"color": colours.of("a"), "line": {"width": 0}, "opacity": 0.85},
            text=[f"{100 * value:.1f}%" for value in probabilities[order]],
            textposition="outside",
            cliponaxis=False,
            customdata=similarities[order],
            hovertext=names,
            hovertemplate="%{hovertext}: %{x:.2f}%, cosine %{customdata:.3f}<extra></extra>",
        )
    )
    chart.update_layout(
        height=max(120, 60 + 30 * len(labels)), margin={"l": 8, "r": 48, "t": 8, "b": 40}, bargap=0.35, dragmode=False
    )
    chart.update_xaxes(title="probability, %", range=[0, 108], zeroline=False, fixedrange=True)
    chart.update_yaxes(
        tickvals=list(range(len(labels))), ticktext=[f"{name} " for name in names], automargin=True, fixedrange=True
    )
    return chart


def _wrapped(text: str) -> str:
    return "<br>".join(textwrap.wrap(str(text), 40)[:3])
