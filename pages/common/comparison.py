"""The numbers of a comparison: one line for each recipe or site, over the pictures that are there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.common import quality, results
from pages.common.view import Row


def draw(rows: Sequence[Row]) -> None:
    """One table over the rows whose result is there, and what its columns mean on hover."""
    from engine.summary import summary

    there = [(row, result) for row in rows if (result := results.find(row.key)) is not None]
    if not there:
        return
    lines = [{"name": row.name, **summary(result)} for row, result in there]
    best = max(lines, key=lambda line: line["ratio"])
    st.markdown(f"**Furthest above the strongest scenes: `{best['name']}`, {best['ratio']:.2f}× at the median**")
    wide = any(line["stability"] == line["stability"] for line in lines)
    columns = {
        "name": st.column_config.TextColumn("", pinned=True),
        "pictures": st.column_config.NumberColumn("n", help="Pictures."),
        "ratio": _number(
            "× scene", "Median over pictures: activation over that of the unit's strongest scene.", "%.2f"
        ),
        "beat": _number(
            "beat all", "Share of pictures that activate their unit more than every scene does.", "percent"
        ),
        "beat_low": _number("from", "95% interval of that share (Wilson): lower end.", "percent"),
        "beat_high": _number("to", "95% interval of that share (Wilson): upper end.", "percent"),
        "failed": _number(
            "failed", "Share of pictures that activate their unit less than 95% of scenes do.", "percent"
        ),
        "spectrum": _number("spectrum", f"Median. {quality.SPECTRUM}", "%.2f"),
        "stability": _number("stable", f"Mean. {quality.STABLE}", "%.2f") if wide else None,
        "between": _number("other units", "Likeness between pictures of different units.", "%.2f") if wide else None,
        "seconds": _number("s each", "Seconds for one picture when it was computed.", "%.1f"),
    }
    st.dataframe(
        lines,
        hide_index=True,
        column_order=[name for name, column in columns.items() if column is not None],
        column_config=columns,
    )


def _number(label: str, says: str, form: str) -> Any:
    return st.column_config.NumberColumn(label, help=says, format=form)
