"""The numbers of a comparison: one line for each recipe or site, over the pictures that are there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.common import results, words
from pages.common.units.rows import Row
from pages.sections.visualize import quality

INTERVAL = "95% interval in parentheses."


def draw(rows: Sequence[Row]) -> None:
    """One table over the rows whose result is there, and what its columns mean on hover."""
    lines = [line(row, result) for row in rows if (result := results.find(row.key)) is not None]
    told = [each for each in lines if math.isfinite(each["ratio"])]
    if not lines:
        return
    what = words.shows(rows[0].request.data)
    if told:
        best, some = max(told, key=lambda each: each["ratio"]), "" if len(lines) == len(rows) else " so far"
        st.markdown(f"**Highest median ratio to the strongest {what}{some}: `{best['name']}`, {best['ratio']:.2f}**")
    columns = {
        "name": st.column_config.TextColumn("", pinned=True),
        "pictures": _number("n", "Pictures.", "%d"),
        "ratio": _number(
            f"ratio to {what}",
            f"Median over pictures of the ratio to the strongest {what}, both averaged over the same augmentations.",
            "%.2f",
        ),
        "ratio_as_is": _number("as is", "The same, neither of them augmented.", "%.2f"),
        "beats": st.column_config.TextColumn(
            f"beat every {what}",
            help=f"Share of pictures that activate their unit more than its strongest {what} does, augmented alike; {INTERVAL}",
        ),
        "succeeding": st.column_config.TextColumn(
            "succeed",
            help="Share of pictures above all of their controls: zero, blanks, noise with the picture's spectrum, and 95% of the "
            f"{what}s; {INTERVAL}",
        ),
        "stability": _number("stable", f"Mean. {quality.STABLE}", "%.2f"),
        "between": _number("other units", "Similarity between pictures of different units.", "%.2f"),
        "seconds": _number("s per picture", "Seconds per picture when it was computed.", "%.1f"),
        "batches": st.column_config.TextColumn(
            "batch",
            help="How many pictures were computed together. It changes how numbers are rounded, and so each picture a little.",
        ),
    }
    unknown = {name for name in ("stability", "between") if not any(math.isfinite(each[name]) for each in lines)}
    order = [name for name in columns if name not in unknown]
    st.dataframe(lines, hide_index=True, column_order=order, column_config=columns)


def line(row: Row, result: Any) -> dict[str, Any]:
    """What the table says of one result."""
    from engine.visualization.scoring.table import summary

    numbers = summary(result)
    beats, good = (_share(numbers, name) for name in ("beat", "good"))
    batches = ", ".join(map(str, sorted(set(result.tables["units"].get("batch", ())))))
    return {"name": row.name, **numbers, "beats": beats, "succeeding": good, "batches": batches}


def _share(numbers: dict[str, Any], name: str) -> str:
    low, high = words.share(numbers[f"{name}_low"]), words.share(numbers[f"{name}_high"])
    return f"{words.share(numbers[name])} ({low} to {high})"


def _number(label: str, says: str, form: str) -> Any:
    return st.column_config.NumberColumn(label, help=says, format=form)
