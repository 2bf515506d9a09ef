"""Measured numbers of the page "Background and texture" as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

NUMBERS = {
    "top1": "Top-1",
    "top5": "Top-5",
    "top1_normalised": "Top-1 of full",
    "top5_normalised": "Top-5 of full",
}
VARIANTS = {"full": "full image", "foreground": "object only", "background": "background only"}
INTERVAL = "Whiskers and bands are 95% intervals."


def cell(row: Mapping[Any, Any], name: str) -> str:
    """One number of a row with its interval, in percent."""
    if pd.isna(row[name]):
        return "–"
    return f"{100 * row[name]:.1f} ({100 * row[f'{name}_low']:.1f} to {100 * row[f'{name}_high']:.1f})"


def interval(row: Mapping[Any, Any], name: str) -> dict[str, float]:
    """One number of a row for a chart: value, low, high."""
    return {"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}


def variant(row: Mapping[Any, Any]) -> str:
    """What was shown, in words."""
    name = VARIANTS.get(row["variant"], row["variant"])
    return f"{name}, {row['fill']}" if row["fill"] else name


def points(row: Mapping[Any, Any] | None) -> str:
    """A difference of accuracies with its interval, in points."""
    if row is None:
        return "–"
    low, high = row["interval"]
    return f"{100 * row['difference']:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})".replace("-", "−")
