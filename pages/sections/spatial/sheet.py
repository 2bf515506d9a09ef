"""One unit's maps through the depth, the followed position's token, and the unit's strongest images, as one figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine.core.request import Result
from pages.common import colours, query, results, words
from pages.common.charts import figure
from pages.common.charts.files import Files, Pictures, Source
from pages.common.colours import Side
from pages.sections.spatial import image, scenes
from pages.sections.spatial.view import SpatialView

if TYPE_CHECKING:
    from engine.figures.layout import Card, Row

COLUMNS = 8
"""Pictures in a line."""
CAPTION = (
    "Bright where the unit is active, dimmed elsewhere, each block on its own scale; AUROC for the object where its mask "
    "is known. Tokens: cosine similarity of the followed position (framed) to all others, one scale, 0 transparent to 1 bright."
)


def button(view: SpatialView, computed: Mapping[str, Result]) -> None:
    """A button for the image of both models; none before any map is there."""
    there: dict[Side, Result] = {side: computed[f"maps-{side}"] for side in view.sides if f"maps-{side}" in computed}
    if there:
        figure.pictures("sp-image", lambda: _files(view, there))


def _files(view: SpatialView, there: Mapping[Side, Result]) -> Files:
    source = Source("spatial", query.write(view), tuple(result.key for result in there.values()))
    title = f"Unit {view.unit} on one image, block by block"
    tables = [result.tables["layers"].assign(model=view.sides[side], unit=view.unit) for side, result in there.items()]
    pictures = Pictures(
        title,
        lambda: [row for side, result in there.items() for row in _rows(view, side, result)],
        COLUMNS,
        caption=CAPTION,
    )
    return Files(pictures, lambda: pd.concat(tables), source)


def _rows(view: SpatialView, side: Side, result: Result) -> list[Row]:
    """Of one model: maps, tokens, and strongest images."""
    from engine.figures.layout import Row

    model, place = view.sides[side], (view.down, view.across)
    chosen = result.tables["layers"].iloc[image.layer_at(view, result)]
    parts = {
        f"{model}: unit {view.unit}, every block": [_block(result, row, "map", None) for row in _with(result, "map")],
        f"{model}: the token of the followed position, every block": [
            _block(result, row, "tokens", place) for row in _with(result, "tokens")
        ],
        f"{model}: images that activate unit {view.unit} of {chosen['maps']} most": _strongest(
            view, model, str(chosen["maps"]), result.arrays["pixels"].shape
        ),
    }
    return [Row(label, tuple(cards), colours.in_print(side)) for label, cards in parts.items() if cards]


def _with(result: Result, which: str) -> list[dict]:
    """The blocks that have such a picture."""
    return [
        row for row in result.tables["layers"].to_dict("records") if f"{which}_{int(row['layer'])}" in result.arrays
    ]


def _block(result: Result, row: Mapping, which: str, place: tuple[float, float] | None) -> Card:
    from engine.core.images import open_image
    from engine.figures.layout import Card

    auroc = row.get("auroc", np.nan)
    told = [f"AUROC {auroc:.2f}"] if which == "map" and np.isfinite(auroc) else []
    shown = open_image(image.pictured(result.key, which, int(row["layer"]), place, image.SMALL))
    return Card(shown, (f"block {int(row['layer'])}", *told))


def _strongest(view: SpatialView, model: str, site: str, shape: tuple[int, ...]) -> list[Card]:
    """The unit's strongest images at a site, where they are known."""
    from engine.core.images import open_image
    from engine.figures.layout import Card

    if (known := scenes.known_at(view, model, site)) is None:
        return []
    opened, size = results.dataset(view.data), (shape[0], shape[1])
    return [
        Card(
            open_image(known.scene(rank, view.data, size, True)), (words.scene(opened.describe(int(known.top[rank]))),)
        )
        for rank in known.ranks(view.data, scenes.IMAGES)
    ]
