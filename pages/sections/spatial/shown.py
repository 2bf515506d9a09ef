"""What the figures of the spatial probe draw from, and how their sentences are put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from engine.core.request import Result
from pages.common import errors
from pages.common.charts.files import Source
from pages.common.colours import Side
from pages.sections.spatial import findings
from pages.sections.spatial.view import SpatialView

BLOCK = "its block in the maps above"
"""What a click on a point of a block opens."""
Tables = dict[Side, tuple[str, pd.DataFrame]]


@dataclass(frozen=True)
class Shown:
    """What the figures draw from: the view, its results by part and their keys, what opens a block at its depth, and what follows
    a position (down, across)."""

    view: SpatialView
    computed: Mapping[str, Result]
    keys: Mapping[str, str]
    page: Source
    open_depth: Callable[[float], None]
    follow: Callable[[float, float], None]

    def there(self, name: str) -> dict[Side, Result]:
        sides = self.view.sides
        return {side: self.computed[f"{name}-{side}"] for side in sides if f"{name}-{side}" in self.computed}

    def source(self, name: str) -> Source:
        return self.page.of(*(self.keys[f"{name}-{side}"] for side in self.there(name)))

    def tables(self, name: str, table: str) -> Tables:
        return {side: (self.view.sides[side], result.tables[table]) for side, result in self.there(name).items()}

    def clicked(self, what: list) -> None:
        self.open_depth(float(what[0]))

    def position(self, what: list) -> None:
        self.follow(float(what[0]), float(what[1]))


def numbers_of(tables: Tables) -> pd.DataFrame:
    parts = [table.assign(model=model) for model, table in tables.values()]
    return pd.concat(parts)[["model", *[column for column in parts[0].columns if column != "model"]]]


def missing(there: Mapping[Side, Result]) -> None:
    """Why something is not shown, a line each."""
    for line in dict.fromkeys(line for result in there.values() for line in result.facts["missing"]):
        st.caption(f":material/info: {line}")


def one_line(sentences: list[str]) -> str:
    """Sentences about one or two models as one line of Markdown."""
    return errors.escape(findings.joined(sentences))
