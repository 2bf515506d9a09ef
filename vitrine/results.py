"""A result in a notebook: the page's result, with its pictures, its table and its chart within reach."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from PIL import Image

from engine.cli import writing
from engine.concepts.browsing import units_table
from engine.core import export
from engine.core.errors import BadRequest, VitrineError
from engine.core.images import inline, to_png
from engine.core.paths import typed_path
from engine.core.request import Result as StoredResult
from engine.jobs.keys import label

__all__ = ["Result", "VitrineError"]

MOST_ROWS, MOST_TILES = 20, 64
SIDE = 128
_FIRST = ("units", "variants", "variations", "low", "layers", "accuracy", "moves", "texts", "overall")
"""Tables that are an experiment's main one."""


@dataclass(eq=False, repr=False)
class Result(StoredResult):
    """What an experiment gave: `arrays`, `tables` and `facts` by name, with the `request` inside and its `key` in the
    cache. The experiment's own docstring says what stands in them.
    """

    @classmethod
    def of(cls, result: StoredResult, warning: str | None = None) -> Self:
        """The same result, for people. `warning`: what a person should know about it, besides a precision that is not this
        machine's."""
        for told in filter(None, (warning, label(result))):
            warnings.warn(told, stacklevel=4)
        return cls(result.request, result.arrays, result.tables, result.facts, result.key)

    @property
    def images(self) -> list[Image.Image]:
        """Its pictures, in order: of `visualize` one for each unit, then one for each target. Empty where an experiment
        makes none."""
        pictures = [array for array in self.arrays.values() if _is_picture(array)]
        first = pictures[0] if pictures else np.empty((0, 1, 1, 3), np.uint8)
        return [Image.fromarray(array) for array in (first if first.ndim == 4 else first[None])]

    @property
    def table(self) -> pd.DataFrame:
        """Its main table; all of them are in `tables`. Where an experiment keeps one number a unit in arrays (`index`,
        `name_units`), they are a table here."""
        if self.experiment == "name-units":
            return units_table(self)
        for name in _FIRST:
            if name in self.tables:
                return self.tables[name]
        if self.tables:
            return next(iter(self.tables.values()))
        count = int(self.facts.get("units", 0))
        columns = {name: array for name, array in self.arrays.items() if array.shape == (count,)}
        return pd.DataFrame({"unit": range(count), **columns} if columns else {})

    @property
    def experiment(self) -> str:
        """Which experiment it is of, by the name it has in keys and links."""
        return str(self.request["experiment"])

    def figure(self, *others: StoredResult) -> Any:
        """Its chart, as on the page, as a plotly figure; with further results of the same experiment (of other models) in
        the same axes. Raises BadRequest where an experiment has no chart, or results do not go together."""
        from vitrine import figures  # plotly and the charts take a second to import

        return figures.draw([self, *others])

    def save(self, folder: str | Path) -> Path:
        """Write its files into a folder: pictures as PNG, numbers as CSV, arrays as .npy, and request.json. Gives the folder.

        Raises BadRequest where they cannot be written.
        """
        place = typed_path(str(folder))
        if self.experiment == "visualize":
            writing.must_be_writable(place)
            writing.write(self, place)
            return place
        try:
            place.mkdir(parents=True, exist_ok=True)
            for name, data in export.files(self):
                (place / name).write_bytes(data.encode() if isinstance(data, str) else data)
        except OSError as error:
            raise BadRequest(f"The folder {place} cannot be written ({error.strerror or error}).") from error
        return place

    @property
    def title(self) -> str:
        """Experiment, model and site in one line."""
        where = "@".join(str(self.request[name]) for name in ("model", "site") if self.request.get(name))
        return f"{self.experiment}: {where or self.request.get('reader', '')}"

    def __repr__(self) -> str:
        parts = {"tables": self.tables, "arrays": self.arrays}
        told = "; ".join(f"{name} {', '.join(held)}" for name, held in parts.items() if held)
        return f"<{self.title}, {told}, key {self.key}>"

    def _repr_html_(self) -> str:
        rows = self.table
        tiles = "".join(map(_tile, self.images[:MOST_TILES], self._captions()))
        more = f"<p>{len(self.images) - MOST_TILES} more pictures</p>" if len(self.images) > MOST_TILES else ""
        shown = (
            rows.to_html(index=False, max_rows=MOST_ROWS, float_format=lambda value: f"{value:.4g}")
            if len(rows)
            else ""
        )
        told = f" {escape(label(self))}" if label(self) else ""
        return f"<p><b>{escape(self.title)}</b>{told}</p><div>{tiles}</div>{more}{shown}"

    def _captions(self) -> list[str]:
        if self.experiment != "visualize":
            return [""] * len(self.images)
        units = self.tables["units"]
        return [f"{unit}: {value:.3g}" for unit, value in zip(units["unit"], units["activation"], strict=True)]


def _is_picture(array: np.ndarray) -> bool:
    return array.dtype == np.uint8 and array.ndim in (3, 4) and array.shape[-1] == 3


def _tile(image: Image.Image, caption: str) -> str:
    return (
        '<figure style="display:inline-block;margin:0 8px 8px 0">'
        f'<img width="{SIDE}" src="{inline(to_png(np.asarray(image)))}" alt="{escape(caption)}">'
        f'<figcaption style="font-size:small">{escape(caption)}</figcaption></figure>'
    )
