"""The files of a chart or of pictures: drawings for print and slides, the numbers, and all of it with how to make it again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from engine.figures.chart import Chart
from pages.common import query, results
from pages.common.errors import UNSEEN

if TYPE_CHECKING:
    from engine.core.request import Result
    from engine.figures.drawing import Drawing
    from engine.figures.layout import Row
    from engine.figures.metadata import Origin


@dataclass(frozen=True)
class Source:
    """Where a figure comes from: the page and its parameters, which open it again, and the keys of the results behind it.
    `finding`: what it shows, where that stands elsewhere on the page (Markdown); `place`: of results of many pictures, the one
    that is shown."""

    page: str
    params: Mapping[str, str]
    keys: tuple[str, ...] = ()
    finding: str = ""
    place: int | None = None

    def of(self, *keys: str) -> Source:
        """The same view, for a chart of some of its results."""
        return replace(self, keys=keys)

    @property
    def link(self) -> str:
        """The parameters as in an address."""
        return query.text(self.params).removeprefix("?")

    def results(self) -> list[Result]:
        """Those that are there."""
        return [result for _, result in self.found()]

    def found(self) -> list[tuple[str, Result]]:
        """The same, each with its key."""
        from engine.figures.cards import only

        there = [(key, result) for key in self.keys if (result := results.find(key)) is not None]
        return there if self.place is None else [(key, only(result, self.place)) for key, result in there]


@dataclass(frozen=True)
class Pictures:
    """Pictures with captions, and what stands around them. `rows` puts them together when a file is asked for; `most`: how many
    stand beside each other."""

    title: str
    rows: Callable[[], Sequence[Row]]
    most: int
    finding: str = ""
    caption: str = ""


@dataclass(frozen=True)
class Files:
    """What a chart or pictures are saved as. Nothing is drawn, and no number is looked up, before one of these is asked for."""

    shown: Chart | Pictures
    numbers: Callable[[], pd.DataFrame]
    source: Source

    def drawn(self) -> Drawing:
        from engine.figures.charts import chart
        from engine.figures.layout import Sheet, laid_out
        from engine.figures.provenance import made_with

        shown = self.shown
        said = " ".join(filter(None, (shown.caption, made_with(self.source.results()))))
        if isinstance(shown, Chart):
            return chart(replace(shown, caption=said))
        return laid_out(Sheet(tuple(shown.rows()), shown.title, shown.finding, said, shown.most))

    @property
    def wide(self) -> bool:
        """Whether it takes both columns of a paper."""
        from engine.figures.layout import FEW

        return len(self.shown.maps) > 1 if isinstance(self.shown, Chart) else self.shown.most > FEW

    def svg(self) -> str:
        from engine.figures.svg import to_svg

        return to_svg(self.drawn())

    def png(self) -> bytes:
        from engine.figures.raster import to_png

        return to_png(self.drawn(), self.origin())

    def pdf(self) -> bytes:
        from engine.figures.pdf import to_pdf

        return to_pdf(self.drawn())

    def csv(self) -> bytes:
        from engine.core.export import to_csv

        return to_csv(self.numbers()).encode()

    def zip(self, address: str) -> Callable[[], bytes]:
        """All of it. `address` is the figure's link, which is cited."""

        def data() -> bytes:
            from engine.figures.bundle import to_zip

            drawing, own = self.drawn(), {"numbers.csv": self.csv()}
            return to_zip(drawing, self.said(), self.source.results(), self.origin(), address, date.today(), own)

        return data

    def said(self) -> str:
        """What stands below the figure in a paper."""
        from engine.figures.provenance import made_with

        parts = (self.shown.title, self.shown.finding, self.shown.caption, made_with(self.source.results()))
        return " ".join(part if part.endswith((".", "?")) else f"{part}." for part in parts if part)

    def origin(self) -> Origin:
        from engine.figures.metadata import Origin

        return Origin(tuple(result.request for result in self.source.results()), self.source.page, self.source.link)


def plain(text: str) -> str:
    """Markdown without its marks, and without what keeps an address from becoming a link."""
    uncoloured = re.sub(r":\w+\[((?:[^\]\\]|\\.)*)\]", r"\1", text.replace(UNSEEN, ""))
    return re.sub(r"\\([\W_])", r"\1", re.sub(r"(?<!\\)[*`]", "", uncoloured))
