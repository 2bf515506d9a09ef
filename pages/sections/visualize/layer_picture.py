"""A picture of a model on which a layer is picked: its blocks from image to head, and what can be read in each.

Invariant: every site of the model is one box, and only sites are boxes. Heights and widths mean what the caption says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from pages.common import colours
from pages.common.charts import marks
from pages.common.colours import Side
from pages.common.units.layers import is_transformer

if TYPE_CHECKING:
    from engine.sites.access import Site

# A transformer block from bottom to top, in the order of computation: row, height, and name beside it.
_ROWS = {
    "attn.query": (0.0, 1.0),
    "attn.key": (0.0, 1.0),
    "attn.value": (0.0, 1.0),
    "attn.out": (1.12, 0.8),
    "mlp.hidden": (2.04, 1.3),
    "mlp.out": (3.46, 0.8),
    "residual": (4.38, 0.8),
}
_ROW_NAMES = {
    "attn.query": "q · k · v",
    "attn.out": "attention",
    "mlp.hidden": "MLP hidden",
    "mlp.out": "MLP out",
    "residual": "residual",
}
_PARTS = {"attn.query": 0, "attn.key": 1, "attn.value": 2}
_BLOCK_HEIGHT = 5.18
LABEL = 10
"""Size of the words on the picture, in pixels."""
_BLOCKS_A_LINE = 12
_NAMES = {
    "tokens.embed": "embedded patches",
    "attn.query": "queries",
    "attn.key": "keys",
    "attn.value": "values",
    "attn.out": "output of the attention layer",
    "mlp.hidden": "hidden features of the MLP",
    "mlp.out": "output of the MLP",
    "residual": "output of the block (residual stream)",
    "stage.block": "channels of the block",
    "stage": "channels of the stage",
    "stem": "channels of the stem",
    "head.logits": "class logits",
    "head.embedding": "dimensions of the image embedding",
}


@dataclass(frozen=True)
class Box:
    """One clickable box of the picture: a site, its lower left corner and its size."""

    site: Site
    x: float
    y: float
    width: float
    height: float


def described(site: Site) -> str:
    """A layer in words: what it is, how many units, on how many positions."""
    where = "" if site.grid.height * site.grid.width <= 1 else f" on {site.grid.height} × {site.grid.width} positions"
    return f"{site.units} {_NAMES.get(site.role, site.role)}{where}"


def caption(sites: Sequence[Site]) -> str:
    """What the picture's shapes mean."""
    if is_transformer(sites):
        return "Each column is a block, from bottom to top; the input is on the left. Click a box to select it."
    return "Taller boxes have more positions, wider boxes more channels; the input is on the left. Click a box to select it."


def boxes(sites: Sequence[Site]) -> list[Box]:
    """Where each site is drawn; y grows upwards, 0 is the bottom of the first line."""
    return _transformer_boxes(sites) if is_transformer(sites) else _cnn_boxes(sites)


def _transformer_boxes(sites: Sequence[Site]) -> list[Box]:
    boxes, numbers = [], {}
    for site in sites:
        if site.role in _ROWS:
            number = numbers.setdefault(site.block, len(numbers))
            line, column = divmod(number, _BLOCKS_A_LINE)
            bottom, height = _ROWS[site.role]
            width = 0.86 / 3 if site.role in _PARTS else 0.86
            x = 0.7 + column + _PARTS.get(site.role, 0) * width
            boxes.append(Box(site, x, bottom - line * (_BLOCK_HEIGHT + 1.2), width, height))
    last_line, last_column = divmod(max(len(numbers) - 1, 0), _BLOCKS_A_LINE)
    for site in sites:
        if site.role == "tokens.embed":
            boxes.append(Box(site, 0, 0, 0.5, _BLOCK_HEIGHT))
        elif site.role not in _ROWS:
            boxes.append(Box(site, 1.76 + last_column, -last_line * (_BLOCK_HEIGHT + 1.2), 0.5, _BLOCK_HEIGHT))
    return boxes


def _cnn_boxes(sites: Sequence[Site]) -> list[Box]:
    boxes, x, before = [], 0.0, None
    for site in sites:
        stage = _stage(site)
        x += 0.0 if before is None else 1.1 if stage != before else 0.25
        width = 0.35 + 0.3 * math.log2(max(site.units / 16, 1))
        height = 0.9 + 0.72 * math.log2(max(site.grid.height, 1))
        if site.block == "head":
            width, height = 0.6, 3.2
        boxes.append(Box(site, x, -height / 2, width, height))
        x, before = x + width, stage
    return boxes


def _stage(site: Site) -> str:
    return ".".join(site.block.split(".")[:2])


def figure(sites: Sequence[Site], side: Side, chosen: str, height: int = 92) -> go.Figure:
    """The picture, in the colour of the model's side, with the chosen site in full colour; `height` in pixels, more where
    the blocks stand in several lines."""
    drawn = boxes(sites)
    strong, weak = {"mlp.hidden": 0.42, "stage.block": 0.3}, 0.2
    fill = [
        colours.of(side) if box.site.name == chosen else colours.tint(side, strong.get(box.site.role, weak))
        for box in drawn
    ]
    chart = go.Figure(
        go.Bar(
            x=[box.x + box.width / 2 for box in drawn],
            y=[box.height for box in drawn],
            base=[box.y for box in drawn],
            width=[box.width for box in drawn],
            customdata=[[box.site.name] for box in drawn],
            hovertext=[f"<b>{box.site.name}</b><br>{described(box.site)}" for box in drawn],
            hovertemplate="%{hovertext}<extra></extra>",
            text=[{"attn.query": "q", "attn.key": "k", "attn.value": "v"}.get(box.site.role, "") for box in drawn],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="inside",
            marker={"color": fill, "line": {"width": 0}, "cornerradius": 3},
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    )
    if is_transformer(sites):
        _label_transformer(chart, drawn)
    else:
        _label_cnn(chart, drawn)
    lines = 1 + sum(box.site.role == "residual" for box in drawn[:-1]) // (_BLOCKS_A_LINE + 1)
    chart.update_layout(
        height=height * lines,
        margin={"l": 2, "r": 2, "t": 2, "b": 2},
        showlegend=False,
        barmode="overlay",
        dragmode=False,
        hoverlabel={"align": "left"},
        font={"size": LABEL},
    )
    chart.update_xaxes(visible=False, fixedrange=True)
    chart.update_yaxes(visible=False, fixedrange=True)
    return chart


def _label_transformer(chart: go.Figure, drawn: Sequence[Box]) -> None:
    quiet = {"font": {"size": LABEL, "color": colours.of("quiet")}}
    notes: list[dict[str, Any]] = []
    frames: list[dict[str, Any]] = []
    blocks: dict[str, list[Box]] = {}
    for box in drawn:
        if box.site.role in _ROWS:
            blocks.setdefault(box.site.block, []).append(box)
    for block, parts in blocks.items():
        left, bottom = min(part.x for part in parts), min(part.y for part in parts)
        number = ".".join(part for part in block.split(".") if part.isdigit())  # stage.block where there are stages
        notes.append({"x": left + 0.43, "y": bottom - 0.42, "text": number, **quiet})
        frames.append({
            "type": "rect",
            "x0": left - 0.045, "x1": left + 0.905, "y0": bottom - 0.09, "y1": bottom + _BLOCK_HEIGHT + 0.09,
            "line": {"width": 0}, "fillcolor": colours.tint("quiet", 0.1), "layer": "below",
        })  # fmt: skip
    for box in drawn:
        if box.site.block in ("tokens", "head"):
            word = "image" if box.site.role == "tokens.embed" else "head"
            notes.append({"x": box.x + box.width / 2, "y": box.y - 0.42, "text": word, **quiet})
    lines = {round(box.y - _ROWS[box.site.role][0], 2) for box in drawn if box.site.role in _ROWS}
    present = {box.site.role for box in drawn}
    for line in lines:
        for role, name in _ROW_NAMES.items():
            if role in present:
                bottom, height = _ROWS[role]
                notes.append({"x": -0.15, "y": line + bottom + height / 2, "text": name, "xanchor": "right", **quiet})
    marks.write(chart, notes, frames)
    columns = min(len(blocks), _BLOCKS_A_LINE)
    chart.update_xaxes(range=[-0.155 * (columns + 2) - 0.2, columns + 1.4])
    chart.update_yaxes(range=[min(lines, default=0) - 0.8, _BLOCK_HEIGHT + 0.15])


def _label_cnn(chart: go.Figure, drawn: Sequence[Box]) -> None:
    quiet = {"font": {"size": LABEL, "color": colours.of("quiet")}}
    notes: list[dict[str, Any]] = []
    lowest = min(box.y for box in drawn)
    stages: dict[str, list[Box]] = {}
    for box in drawn:
        stages.setdefault(_stage(box.site), []).append(box)
    for stage, parts in stages.items():
        middle = (parts[0].x + parts[-1].x + parts[-1].width) / 2
        grid = parts[-1].site.grid
        name = "head" if parts[0].site.block == "head" else stage.removeprefix("stages.")
        wide = parts[-1].x + parts[-1].width - parts[0].x
        size = "" if name == "head" or wide < 1.6 else f"<br>{grid.height}×{grid.width}"
        notes.append({"x": middle, "y": lowest - 0.2, "yanchor": "top", "text": f"{name}{size}", **quiet})
    marks.write(chart, notes)
    chart.update_xaxes(range=[-0.6, drawn[-1].x + drawn[-1].width + 0.6])
    chart.update_yaxes(range=[lowest - 2.1, -lowest + 0.2])
