"""The numbers of a comparison: one line for each recipe or site, over the pictures that are there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.common import results, words
from pages.common.units.rows import Row
from pages.sections.visualize import quality

BEATS = (
    "Share of pictures that activate their unit more than its strongest scenes do, under the same augmentations; 95% "
    "interval (Wilson) in parentheses."
)
FAILED = "Share of pictures below the 95th percentile of the unaugmented scenes."


def draw(rows: Sequence[Row]) -> None:
    """One table over the rows whose result is there, and what its columns mean on hover."""
    lines = [line(row, result) for row in rows if (result := results.find(row.key)) is not None]
    told = [each for each in lines if math.isfinite(each["ratio"])]
    if not lines:
        return
    if told:
        best, some = max(told, key=lambda each: each["ratio"]), "" if len(lines) == len(rows) else " so far"
        st.markdown(f"**Highest median ratio to the strongest scene{some}: `{best['name']}`, {best['ratio']:.2f}**")
    columns = {
        "name": st.column_config.TextColumn("", pinned=True),
        "pictures": _number("n", "Pictures.", "%d"),
        "ratio": _number(
            "ratio to scene",
            "Median over pictures of the ratio to the strongest scene, both averaged over the same augmentations.",
            "%.2f",
        ),
        "beats": st.column_config.TextColumn("beat every scene", help=BEATS),
        "failing": st.column_config.TextColumn("failed", help=FAILED),
        "spectrum": _number("spectrum", f"Median. {quality.SPECTRUM}", "%.2f"),
        "stability": _number("stable", f"Mean. {quality.STABLE}", "%.2f"),
        "between": _number("other units", "Similarity between pictures of different units.", "%.2f"),
        "seconds": _number("s per picture", "Seconds per picture when it was computed.", "%.1f"),
        "batches": st.column_config.TextColumn(
            "batch",
            help="How many pictures were computed together. It changes how numbers are rounded, and so each picture a little.",
        ),
    }
    unknown = {
        name for name in ("spectrum", "stability", "between") if not any(math.isfinite(each[name]) for each in lines)
    }
    order = [name for name in columns if name not in unknown]
    st.dataframe(lines, hide_index=True, column_order=order, column_config=columns)


def line(row: Row, result: Any) -> dict[str, Any]:
    """What the table says of one result."""
    from engine.visualization.scores import summary

    numbers = summary(result)
    low, high = words.share(numbers["beat_low"]), words.share(numbers["beat_high"])
    beats = f"{words.share(numbers['beat'])} ({low} to {high})"
    batches = ", ".join(map(str, sorted(set(result.tables["units"].get("batch", ())))))
    return {"name": row.name, **numbers, "beats": beats, "failing": words.share(numbers["failed"]), "batches": batches}


def _number(label: str, says: str, form: str) -> Any:
    return st.column_config.NumberColumn(label, help=says, format=form)
