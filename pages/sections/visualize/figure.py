"""A wall of pictures, or one card of it, as a figure for papers and slides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from engine.core.errors import VitrineError
from engine.core.request import Result
from pages.common import colours, errors, query, results, sharing
from pages.common.units.on_data import of_unit
from pages.common.units.rows import Row, index_request
from pages.common.units.view import View

if TYPE_CHECKING:
    from engine.figures.drawing import Drawing
    from engine.figures.metadata import Origin

BESIDE = 4
"""Of a unit's strongest images."""
PAGE = "feature_visualization"
HELP = "The pictures with their numbers and strongest images, always on white, at the widths of a paper's columns."


@dataclass(frozen=True)
class Wanted:
    """What a figure shows: rows of a view whose results are there, or the picture at one `place` of one row."""

    view: View
    rows: tuple[Row, ...]
    place: int | None = None

    @property
    def there(self) -> list[tuple[Row, Result]]:
        """The rows whose results are there, each with its own."""
        from engine.figures.cards import only

        found = [(row, result) for row in self.rows if (result := results.find(row.key)) is not None]
        return found if self.place is None else [(row, only(result, self.place)) for row, result in found]

    @property
    def link(self) -> str:
        """The parameters of the page's address."""
        return query.text(query.write(self.view)).removeprefix("?")


def popover(wanted: Wanted, key: str) -> None:
    """A button that opens the ways to take the figure along. Nothing is drawn before one of them is pressed."""
    with st.popover("Figure", icon=":material/photo_size_select_large:", help=HELP):
        link = sharing.address(query.write(wanted.view))
        name = f"vitrine-{wanted.rows[0].key[:8]}" + ("" if wanted.place is None else f"-{wanted.place}")
        with st.container(horizontal=True):
            _download("PNG", _png(wanted), f"{name}.png", "image/png", f"{key}-figure-png")
            _download("SVG", _svg(wanted), f"{name}.svg", "image/svg+xml", f"{key}-figure-svg")
            _download("PDF", _pdf(wanted), f"{name}.pdf", "application/pdf", f"{key}-figure-pdf")
            _download("ZIP", _zip(wanted, link), f"{name}.zip", "application/zip", f"{key}-figure-zip")
        st.caption(
            "PNG at four pixels a point; drop it on the home page to open what it shows. The ZIP also holds the numbers, the "
            "requests, a script that makes them again, LaTeX and BibTeX."
        )
        from engine.figures.cards import caption
        from engine.figures.citation import bibtex, latex
        from engine.figures.layout import FEW

        there = wanted.there
        wide = max((len(result.tables["units"]) for _, result in there), default=0) > FEW
        said = caption([result for _, result in there])
        st.code(latex(f"{name}.pdf", said, wide), language=None, wrap_lines=True)
        st.code(bibtex(link, date.today()), language=None, wrap_lines=True)


def _download(label: str, data: Callable[[], bytes | str], name: str, mime: str, key: str) -> None:
    st.download_button(
        label, data, file_name=name, mime=mime, icon=":material/download:", key=key, on_click="ignore", type="secondary"
    )


def _png(wanted: Wanted) -> Callable[[], bytes]:
    def data() -> bytes:
        from engine.figures.raster import to_png

        return to_png(drawn(wanted), _origin(wanted))

    return data


def _svg(wanted: Wanted) -> Callable[[], str]:
    def data() -> str:
        from engine.figures.svg import to_svg

        return to_svg(drawn(wanted))

    return data


def _pdf(wanted: Wanted) -> Callable[[], bytes]:
    def data() -> bytes:
        from engine.figures.pdf import to_pdf

        return to_pdf(drawn(wanted))

    return data


def _zip(wanted: Wanted, address: str) -> Callable[[], bytes]:
    def data() -> bytes:
        from engine.figures.bundle import to_zip
        from engine.figures.cards import caption

        shown = [result for _, result in wanted.there]
        return to_zip(drawn(wanted), caption(shown), shown, _origin(wanted), address, date.today())

    return data


def _origin(wanted: Wanted) -> Origin:
    from engine.figures.metadata import Origin

    return Origin(tuple(result.request for _, result in wanted.there), PAGE, wanted.link)


def drawn(wanted: Wanted) -> Drawing:
    """The figure, with each unit's strongest images where its layer is indexed."""
    from engine.figures.cards import sheet_of
    from engine.figures.layout import laid_out

    there = wanted.there
    images = {id(result): _strongest(row, wanted) for row, result in there}
    sides = [colours.in_print(row.side) for row, _ in there]
    return laid_out(sheet_of([result for _, result in there], sides, lambda result, place: images[id(result)](place)))


def _strongest(row: Row, wanted: Wanted) -> Callable[[int], list[np.ndarray]]:
    data, size = wanted.view.data, results.input_size(row.address.model)
    index_key = index_request(row.address, data).key()

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
