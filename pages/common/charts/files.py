"""The files of a chart: drawings for print and slides, the numbers, and all of it with how to make it again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from engine.figures.chart import Chart
from pages.common import query, results

if TYPE_CHECKING:
    from engine.core.request import Result
    from engine.figures.drawing import Drawing
    from engine.figures.metadata import Origin


@dataclass(frozen=True)
class Source:
    """Where a chart comes from: the page and its parameters, which open it again, and the keys of the results behind it.
    `finding`: what a chart shows, where that stands elsewhere on the page (Markdown)."""

    page: str
    params: Mapping[str, str]
    keys: tuple[str, ...] = ()
    finding: str = ""

    def of(self, *keys: str) -> Source:
        """The same view, for a chart of some of its results."""
        return replace(self, keys=keys)

    @property
    def link(self) -> str:
        """The parameters as in an address."""
        return query.text(self.params).removeprefix("?")

    def results(self) -> list[Result]:
        """Those that are there."""
        return [result for key in self.keys if (result := results.find(key)) is not None]


@dataclass(frozen=True)
class Files:
    """What a chart is saved as. Nothing is drawn before one of these is asked for."""

    chart: Chart
    numbers: pd.DataFrame
    source: Source

    def drawn(self) -> Drawing:
        from engine.figures.charts import chart
        from engine.figures.provenance import made_with

        said = " ".join(filter(None, (self.chart.caption, made_with(self.source.results()))))
        return chart(replace(self.chart, caption=said))

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

        return to_csv(self.numbers).encode()

    def zip(self, address: str) -> Callable[[], bytes]:
        """All of it. `address` is the chart's link, which is cited."""

        def data() -> bytes:
            from engine.figures.bundle import to_zip

            drawing, own = self.drawn(), {"numbers.csv": self.csv()}
            return to_zip(drawing, self.said(), self.source.results(), self.origin(), address, date.today(), own)

        return data

    def said(self) -> str:
        """What stands below the figure in a paper."""
        from engine.figures.provenance import made_with

        parts = (self.chart.title, self.chart.finding, self.chart.caption, made_with(self.source.results()))
        return " ".join(part if part.endswith((".", "?")) else f"{part}." for part in parts if part)

    def origin(self) -> Origin:
        from engine.figures.metadata import Origin

        return Origin(tuple(result.request for result in self.source.results()), self.source.page, self.source.link)


def plain(text: str) -> str:
    """Markdown without its marks."""
    unmarked = re.sub(r":\w+\[((?:[^\]\\]|\\.)*)\]|(?<!\\)[*`]", r"\1", text)
    return re.sub(r"\\([\W_])", r"\1", unmarked)
