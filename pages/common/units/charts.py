"""The two charts of a unit: how it responds to a data set, and how its picture grew."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from pages.common import colours
from pages.common.colours import Side

HEIGHT = 190
_LAYOUT = {
    "height": HEIGHT,
    "margin": {"l": 46, "r": 10, "t": 34, "b": 40},
    "showlegend": False,
    "bargap": 0.04,
    "dragmode": False,
}


def histogram(activations: np.ndarray, picture: float | None, opposite: float | None, side: Side) -> go.Figure:
    """Activations of one unit (images,) with those of its own pictures marked, where it has any. Counts are on a
    logarithmic scale."""
    values = np.asarray(activations, np.float32)
    counts, edges = np.histogram(values[np.isfinite(values)], bins=40)
    chart = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts,
            width=np.diff(edges) * 0.96,
            marker={"color": colours.of("quiet"), "opacity": 0.55, "line": {"width": 0}},
            hovertemplate="%{y} images around %{x:.3g}<extra></extra>",
        )
    )
    marks = {"picture": picture, "minimized": opposite}
    for name, value in [(name, value) for name, value in marks.items() if value is not None]:
        chart.add_vline(x=value, line={"color": colours.of(side), "width": 2})
        chart.add_annotation(
            x=value, y=1, yref="paper", text=name, showarrow=False, yanchor="bottom",
            font={"color": colours.of(side), "size": 12},
        )  # fmt: skip
    chart.update_layout(**_LAYOUT)
    chart.update_xaxes(title="activation, mean over positions", zeroline=False, fixedrange=True)
    chart.update_yaxes(title="number of images (log)", type="log", dtick=1, fixedrange=True)
    return chart


def curve(objective: np.ndarray, side: Side) -> go.Figure:
    """The objective (steps,) while a unit's picture was made."""
    values = np.asarray(objective, np.float32)
    values = values[np.isfinite(values)]
    chart = go.Figure(
        go.Scatter(
            x=np.arange(1, len(values) + 1),
            y=values,
            mode="lines",
            line={"color": colours.of(side), "width": 2},
            hovertemplate="step %{x}: %{y:.3g}<extra></extra>",
        )
    )
    chart.update_layout(**_LAYOUT)
    chart.update_xaxes(title="step", zeroline=False, fixedrange=True)
    chart.update_yaxes(title="activation", zeroline=False, fixedrange=True)
    return chart
