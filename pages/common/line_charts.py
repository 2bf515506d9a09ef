"""Lines over the depth of models: one colour a model, one dash a measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.common import colours
from pages.common.colours import Side

HEIGHT = 320
DASHES = ("solid", "dot", "dash")
DEPTH = "block, as a share of the depth"


def blank(x: str, y: str, height: int = HEIGHT, **rest: Any) -> go.Figure:
    """Empty axes with titles (say the unit), a legend on top, and room for it."""
    made = go.Figure()
    made.update_layout(
        height=height,
        margin={"l": 56, "r": 12, "t": 36, "b": 46},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 12}},
        dragmode=False,
        hovermode="x unified",
        **rest,
    )
    made.update_xaxes(title=x, zeroline=False, fixedrange=True)
    made.update_yaxes(title=y, zeroline=False, fixedrange=True)
    return made


def line(
    made: go.Figure,
    x: Sequence[float] | np.ndarray | pd.Series,
    y: pd.Series | np.ndarray,
    name: str,
    side: Side,
    low: Any = None,
    high: Any = None,
    dash: int = 0,
    digits: str = ".3f",
) -> None:
    """A curve in a model's colour, with its interval as a band where there is one."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    if low is not None and high is not None and np.isfinite(np.asarray(low, float)).any():
        low, high = np.asarray(low, float), np.asarray(high, float)
        made.add_trace(
            go.Scatter(
                x=np.concatenate([x, x[::-1]]), y=np.concatenate([high, low[::-1]]), fill="toself", mode="lines",
                line={"width": 0}, fillcolor=colours.tint(side, 0.16), hoverinfo="skip", showlegend=False,
            )
        )  # fmt: skip
    made.add_trace(
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


def level(made: go.Figure, y: float, text: str, name: str = "quiet") -> None:
    """A line across at a value worth comparing with (chance, the model as it is)."""
    made.add_hline(y=y, line={"color": colours.of(name), "width": 1, "dash": "dash"})
    made.add_annotation(
        x=1, xref="paper", xanchor="right", y=y, yanchor="bottom", text=text, showarrow=False,
        font={"size": 11, "color": colours.of(name)},
    )  # fmt: skip
