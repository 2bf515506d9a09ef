"""What a section draws from: the view, the results of its measurement by model, and where its charts come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from pages.common.charts.files import Source
from pages.sections.reliance.compared import keys_of
from pages.sections.reliance.view import View

if TYPE_CHECKING:
    from engine.core.request import Result


@dataclass(frozen=True)
class Shown:
    """One measurement on the page. `turn` shows the same results another way."""

    view: View
    measure: str
    computed: Mapping[str, Result]
    page: Source
    turn: Callable[[View], None]

    @property
    def keys(self) -> tuple[str, ...]:
        return keys_of(self.view, self.measure, self.computed)

    @property
    def source(self) -> Source:
        return self.page.of(*self.keys)

    @property
    def first(self) -> Result:
        return next(iter(self.computed.values()))

    def tables(self, name: str) -> dict[str, pd.DataFrame]:
        """This table of every model that has it."""
        return {model: result.tables[name] for model, result in self.computed.items() if name in result.tables}


def together(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The rows of all models, each with its model."""
    return pd.concat([table.assign(model=model) for model, table in tables.items()])
