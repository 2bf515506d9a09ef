"""The numbers of a comparison: one line for each recipe or site, over the pictures that are there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from pages.common import results, words
from pages.common.units.rows import Row
from pages.sections.visualize import quality

INTERVAL = "95% interval in parentheses."

LEAST = 0.01
"""The least ratio that is told apart: a picture that silences its unit has none whose logarithm could be taken."""


def draw(rows: Sequence[Row]) -> None:
    """One table over the rows whose result is there, and what its columns mean on hover."""
    made = [(row, result) for row in rows if (result := results.find(row.key)) is not None]
    if not made:
        return
    what = words.shows(rows[0].request.data)
    lines = [line(row, result) for row, result in made]
    several = len({row.side for row in rows}) > 1
    named = {f"`{row.name}`{f' of {row.side.upper()}' if several else ''}": result for row, result in made}
    if told := highest(named, what):
        st.markdown(told + ("" if len(made) == len(rows) else " So far, while others are being made."))
    columns = {
        "name": st.column_config.TextColumn("", pinned=True),
        "pictures": _number("n", "Pictures.", "%d"),
        "ratio": _number(
            f"ratio to {what}",
            f"Median over pictures of the ratio to the strongest {what}, both averaged over the same augmentations. Where a "
            "layer has no zero (no activation function), both count from what the median of 29 blanks gives.",
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


def highest(made: Mapping[str, Any], what: str = "scene") -> str:
    """Which of these results has the highest ratios to the strongest scene (`what` its images are called), against the next: unit
    by unit where they are of the same units. Empty where there are no two of at least two units."""
    from engine.core.statistics import apart, difference, smallest_difference

    known = {name: logs for name, result in made.items() if len(logs := _logs(result)) > 1}
    if len(known) < 2:
        return ""
    best, other = sorted(known, key=lambda name: -np.mean([*known[name].values()]))[:2]
    both = sorted(known[best].keys() & known[other].keys(), key=str)
    if len(both) > 1:
        a, b = (np.array([known[name][unit] for unit in both]) for name in (best, other))
        found, least, over = difference(a, b), smallest_difference(a, b), f"{len(both)} units"
    else:
        a, b = (np.array([*known[name].values()]) for name in (best, other))
        (found, least), over = apart(a, b), f"{len(a)} and {len(b)} units, which are not the same"
    value, low, high, could = (words.number(math.exp(each)) for each in (*found, least))
    if found.low > 0:
        return (
            f"**{best} has the highest ratios to the strongest {what}**, {value}× ({low} to {high}) those of {other} (geometric "
            f"mean over {over}, 95% interval)."
        )
    return (
        f"**Which has the highest ratios to the strongest {what} was not seen**: those of {best} are {value}× ({low} to {high}) "
        f"those of {other} (geometric mean over {over}, 95% interval); {could}× would have been seen in 80% of samples."
    )


def _logs(result: Any) -> dict[tuple, float]:
    """The logarithm of the ratio of each picture that has one, by what it was made for."""
    of, table = (result.request.get("model"), result.request.get("site")), result.tables["units"]
    ratios = zip(table["unit"], table["ratio_to_best_scene"].astype(float), strict=True)
    return {(*of, unit): math.log(max(ratio, LEAST)) for unit, ratio in ratios if math.isfinite(ratio)}


def _share(numbers: dict[str, Any], name: str) -> str:
    return words.shares(*(numbers[f"{name}{end}"] for end in ("", "_low", "_high")))


def _number(label: str, says: str, form: str) -> Any:
    return st.column_config.NumberColumn(label, help=says, format=form)
