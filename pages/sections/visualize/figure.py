"""A wall of pictures, or one card of it, as a figure for papers and slides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import streamlit as st

from engine.core.address import Address
from engine.core.errors import VitrineError
from pages.common import colours, errors, query, results
from pages.common.charts import figure
from pages.common.charts.files import Files, Pictures, Source
from pages.common.colours import Side
from pages.common.units.on_data import of_unit
from pages.common.units.rows import index_request
from pages.common.units.view import View

if TYPE_CHECKING:
    from engine.core.request import Result
    from engine.figures.layout import Row

BESIDE = 4
"""Of a unit's strongest images."""
PAGE = "feature_visualization"


class Made(Protocol):
    """Units of one layer on one side, and the key of the result that has their pictures."""

    @property
    def side(self) -> Side: ...
    @property
    def address(self) -> Address: ...
    @property
    def key(self) -> str: ...


@dataclass(frozen=True)
class Wanted:
    """What a figure shows: rows of a view whose results are there, or the picture at one `place` of one row."""

    view: View
    rows: tuple[Made, ...]
    place: int | None = None

    @property
    def source(self) -> Source:
        """The view, and what its figure is made of."""
        return Source(PAGE, query.write(self.view), tuple(row.key for row in self.rows), place=self.place)

    @property
    def there(self) -> list[tuple[Made, Result]]:
        """The rows whose results are there, each with its own."""
        of = {row.key: row for row in self.rows}
        return [(of[key], result) for key, result in self.source.found()]


def popover(wanted: Wanted, key: str) -> None:
    """A button that opens the ways to take the figure along."""
    name = f"vitrine-{wanted.rows[0].key[:8]}" + ("" if wanted.place is None else f"-{wanted.place}")
    figure.pictures(f"{key}-sheet", lambda: files(wanted), name)


def files(wanted: Wanted) -> Files:
    """Each unit's picture with its numbers, and its strongest images where its layer is indexed."""
    from engine.figures.cards import numbers, sheet_of
    from engine.figures.layout import Sheet

    there = wanted.there
    told = sheet_of([result for _, result in there])

    def rows() -> tuple[Row, ...]:
        images = {id(result): _strongest(row, wanted) for row, result in there}
        sides = [colours.in_print(row.side) for row, _ in there]
        return sheet_of([result for _, result in there], sides, lambda made, place: images[id(made)](place)).rows

    most = min(Sheet.most, max(len(row.cards) for row in told.rows))
    pictures, source = Pictures(told.title, rows, most, told.finding, told.caption), wanted.source
    return Files(pictures, lambda: numbers(source.results()), source)


def _strongest(row: Made, wanted: Wanted) -> Callable[[int], list[np.ndarray]]:
    data = wanted.view.data
    try:
        size, index_key = results.input_size(row.address.model), index_request(row.address, data).key()
    except VitrineError:  # its picture came along, the model did not
        return lambda place: []

    def images(place: int) -> list[np.ndarray]:
        from engine.core.images import to_input

        name = row.address.names[wanted.place if wanted.place is not None else place]
        known = of_unit(index_key, name, row.key) if isinstance(name, int) else None
        if known is None:
            return []
        try:
            numbers = [int(known.top[rank]) for rank in known.ranks(data, BESIDE)]
            return [to_input(results.dataset(data).image(number), size) for number in numbers]
        except VitrineError as error:
            st.toast(errors.told(str(error)))
            return []

    return images
