"""A claim's figure: a chart made of estimates, and its numbers as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from engine.core.images import to_input
from engine.core.statistics import Estimate
from engine.figures.chart import Chart, Series

GAP = 6
"""Pixels between the pictures of a strip."""
COLOURS: dict[str, int | None] = {"a": 0, "b": 1, "c": 2, "quiet": None}
"""The places of model A, model B and the CLIP among colours; a control has none."""


@dataclass(frozen=True)
class Strip:
    """Pictures side by side, uint8 (height, width, 3), under what they have in common; `says` what each is."""

    label: str
    pictures: np.ndarray
    says: str


def strip(label: str, pictures: Sequence[np.ndarray], says: str, side: int = 96) -> Strip:
    """Pictures (height, width, 3) of this side, on white."""
    between = np.full((side, GAP, 3), 255, np.uint8)
    parts = [part for each in pictures for part in (to_input(each, (side, side)), between)]
    return Strip(label, np.concatenate(parts[:-1], axis=1), says)


def named(label: str, side: Literal["a", "b", "c", "quiet"], values: Mapping[str, Estimate]) -> Series:
    """Values of one model under names."""
    return _series(label, side, [*values], [*values.values()])


def curve(label: str, side: Literal["a", "b", "c"], rows: Iterable[Mapping], x: str, y: str) -> Series | None:
    """A line from rows of a table with the columns `x`, `y`, `y`_low, `y`_high; None where nothing is known. Where a row is a
    `layer`, its point says which block that is, and opens how deep it lies, from 0 for the first to 1 for the last."""
    known = [row for row in rows if row.get(y) is not None and row[y] == row[y]]
    values = [Estimate(*(float(row[f"{y}{end}"]) for end in ("", "_low", "_high"))) for row in known]
    if not known:
        return None
    line = _series(label, side, [float(row[x]) for row in known], values)
    if "layer" not in known[0]:
        return line
    about = tuple(f"block {int(row['layer'])}" for row in known)
    return replace(line, about=about, opens=tuple([_deep(row)] for row in known))


def _deep(row: Mapping) -> float:
    """How deep a layer lies, of whose model others may be left out: its `depth` is its share of all that there are."""
    count = round((row["layer"] + 1) / row["depth"])
    return float(row["layer"]) / max(1, count - 1)


def together(series: Sequence[Series | None]) -> tuple[Series, ...]:
    """Those that are known."""
    return tuple(one for one in series if one is not None)


def numbers(chart: Chart) -> pd.DataFrame:
    """What a chart shows: a row a point."""
    rows = [
        {"series": one.name, "at": place, "value": value, "low": low, "high": high}
        for one in chart.series
        for place, value, low, high in zip(one.x, one.y, one.low, one.high, strict=True)
    ]
    return pd.DataFrame(rows)


def _series(label: str, side: str, places: Sequence, values: Sequence[Estimate]) -> Series:
    y, low, high = zip(*values, strict=True)
    return Series(label, tuple(places), y, low, high, COLOURS[side])
