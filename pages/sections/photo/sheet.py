"""The units that fire on the photo as one figure: for each layer those of both models, beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine.core.request import Result
from pages.common import query, results
from pages.common.charts import figure
from pages.common.charts.files import Files, Pictures, Source
from pages.common.colours import Side
from pages.common.units import images
from pages.sections.photo import known, looks
from pages.sections.photo.layers import ABOUT, UNITS, noun, unusual
from pages.sections.photo.view import PhotoView

if TYPE_CHECKING:
    from engine.figures.layout import Card, Row

BESIDE = 3
"""Pictures of what else excites a unit."""


def button(view: PhotoView, there: Mapping[Side, Result], numbers: Sequence[int]) -> None:
    """A button for the layers of these numbers as one figure; none where no model has looked yet."""
    if numbers:
        figure.pictures("photo", lambda: files(view, there, numbers))


def files(view: PhotoView, there: Mapping[Side, Result], numbers: Sequence[int]) -> Files:
    """What it holds."""
    source = Source("photo", query.write(view), tuple(photo.key for photo in there.values()))
    pictures = Pictures(
        f"What fires in {' and '.join(view.sides[side] for side in there)}",
        lambda: [_row(view, there, number) for number in numbers], UNITS * len(there), caption=ABOUT,
    )  # fmt: skip
    return Files(pictures, lambda: _numbers(view, there, numbers), source)


def _row(view: PhotoView, there: Mapping[Side, Result], number: int) -> Row:
    from engine.figures.layout import Row

    mine = {side: photo for side, photo in there.items() if number < len(photo.tables["layers"])}
    label = "  ·  ".join(
        f"{side.upper()}: {view.sides[side]} @ {known.sites(photo)[number]}" for side, photo in mine.items()
    )
    return Row(label, tuple(card for side, photo in mine.items() for card in _cards(view, side, photo, number)))


def _cards(view: PhotoView, side: Side, photo: Result, number: int) -> list[Card]:
    """The units of one layer of one model: where in the photo each is active, and what else excites it."""
    from engine.core.images import open_image
    from engine.figures.layout import Card

    model, site = view.sides[side], known.sites(photo)[number]
    index = known.index_of(model, site, view.data)
    read, cards = results.find(index[0]) if index else None, []
    for facts in _units(view, side, photo, number).to_dict("records"):
        unit, lines = int(facts["unit"]), [f"{side.upper()}: unit {facts['unit']}"]
        if index and read and (told := unusual(facts["above"], int(read.facts["images"]))):
            lines.append(f"{told} {noun(index[1])}")
        shown = open_image(looks.where(photo.key, number, unit, view.image, view.data))
        cards.append(Card(shown, tuple(lines), tuple(_others(photo, model, site, unit, index))))
    return cards


def _others(photo: Result, model: str, site: str, unit: int, index: tuple[str, str] | None) -> list[np.ndarray]:
    """What else excites a unit: the picture made for it, and its strongest images."""
    (picture,), (height, width) = known.pictures(model, site, [unit]), photo.facts["input"]
    read = results.find(index[0]) if index else None
    ranks = images.ranks(read.arrays["top_mean"][unit], index[1], BESIDE) if index and read else []
    return looks.others(picture, index, unit, ranks, (height, width))[:BESIDE]


def _numbers(view: PhotoView, there: Mapping[Side, Result], numbers: Sequence[int]) -> pd.DataFrame:
    """Every unit that is shown, with how strong it is."""
    parts = [
        _units(view, side, photo, number).assign(model=view.sides[side], site=known.sites(photo)[number])
        for number in numbers
        for side, photo in there.items()
        if number < len(photo.tables["layers"])
    ]
    return pd.concat(parts)


def _units(view: PhotoView, side: Side, photo: Result, number: int) -> pd.DataFrame:
    index = known.index_of(view.sides[side], known.sites(photo)[number], view.data)
    return known.strongest(photo.key, number, index[0] if index else None, UNITS)
