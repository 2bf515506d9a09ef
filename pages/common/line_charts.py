"""Lines over the depth of models: one colour a model, one dash a measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.common import colours
from pages.common.colours import Side

HEIGHT = 320
DASHES = ("solid", "dot", "dash")
DEPTH = "relative depth (block)"
Values = Sequence[float] | np.ndarray | pd.Series


def blank(x: str, y: str, height: int = HEIGHT, **rest: Any) -> go.Figure:
    """Empty axes with titles (say the unit), a legend on top, and room for it."""
    chart = go.Figure()
    chart.update_layout(
        height=height,
        margin={"l": 56, "r": 12, "t": 36, "b": 46},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 12}},
        dragmode=False,
        hovermode="x unified",
        **rest,
    )
    chart.update_xaxes(title=x, zeroline=False, fixedrange=True)
    chart.update_yaxes(title=y, zeroline=False, fixedrange=True)
    return chart


class Curve(NamedTuple):
    """Points (n,) from left to right, and the ends of their intervals where they have some."""

    x: Values
    y: Values
    low: Values | None = None
    high: Values | None = None


def line(chart: go.Figure, curve: Curve, name: str, side: Side, dash: int = 0, digits: str = ".3f") -> None:
    """A curve in a model's colour, with its interval as a band where there is one."""
    x, y = np.asarray(curve.x, float), np.asarray(curve.y, float)
    if curve.low is not None and curve.high is not None and np.isfinite(np.asarray(curve.low, float)).any():
        low, high = np.asarray(curve.low, float), np.asarray(curve.high, float)
        chart.add_trace(
            go.Scatter(
                x=np.concatenate([x, x[::-1]]), y=np.concatenate([high, low[::-1]]), fill="toself", mode="lines",
                line={"width": 0}, fillcolor=colours.tint(side, 0.16), hoverinfo="skip", showlegend=False,
            )
        )  # fmt: skip
    chart.add_trace(
        go.Scatter(
            x=x,
            y=y,
            name=name,
            mode="lines+markers",
            line={"color": colours.of(side), "width": 2, "dash": DASHES[dash]},
            marker={"size": 6, "symbol": ("circle", "circle-open", "x")[dash]},
            hovertemplate=f"%{{y:{digits}}}<extra>{name}</extra>",
        )
    )


def level(chart: go.Figure, y: float, text: str, name: str = "quiet") -> None:
    """A line across at a value worth comparing with (chance, the model as it is)."""
    chart.add_hline(y=y, line={"color": colours.of(name), "width": 1, "dash": "dash"})
    chart.add_annotation(
        x=1, xref="paper", xanchor="right", y=y, yanchor="bottom", text=text, showarrow=False,
        font={"size": 11, "color": colours.of(name)},
    )  # fmt: skip
