"""The charts of the concept browser, as what they show: a map of units, shares by layer, and texts against an image."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.figures.chart import Chart, Series, series
from pages.common import colours
from pages.common.colours import Side

LABELS = 16
"""Words written on a map, at most: those of the units that fit theirs best, each once, where no other stands already."""
APART = (0.24, 0.055)
"""How far apart labels are, across and down, as a share of the map."""
DEPTH = "relative depth (0: first layer, 1: last)"
COMPONENTS = ("first component", "second component")


def units_map(table: pd.DataFrame, side: Side, **rest: Any) -> Chart:
    """Units on a plane: columns unit, across, down, selectivity, and word, words, score, named where they are named. A point
    opens its unit."""
    known = "word" in table
    groups = [("no label", table[~table["named"]]), ("named", table[table["named"]])] if known else [("", table)]
    most = max(float(table["selectivity"].max()), 1e-9)
    words = _written(table[table["named"]]) if known else {}
    drawn = []
    for name, part in groups:
        texts = part["words"].map(_wrapped) if name == "named" else [name or "not labelled yet"] * len(part)
        units = [int(unit) for unit in part["unit"]]
        drawn.append(
            series(
                name or "units",
                part["across"],
                part["down"],
                colour=None if name == "no label" else colours.PLACES[side],
                about=tuple(f"<b>Unit {unit}</b><br>{text}" for unit, text in zip(units, texts, strict=True)),
                opens=tuple([unit] for unit in units),
                size=tuple((part["selectivity"].fillna(0) / most).tolist()),
                written=tuple(words.get(unit, "") for unit in units),
            )
        )
    return Chart("cloud", tuple(drawn), *COMPONENTS, **rest)


def _written(named: pd.DataFrame) -> dict[int, str]:
    """What is written at which unit."""
    best = named.sort_values("score", ascending=False).drop_duplicates("word")
    wide, high = (max(float(np.ptp(best[axis])), 1e-9) if len(best) else 1.0 for axis in ("across", "down"))
    places: list[tuple[float, float]] = []
    written: dict[int, str] = {}
    for row in best.to_dict("records"):
        place = row["across"] / wide, row["down"] / high
        if any(abs(place[0] - x) < APART[0] and abs(place[1] - y) < APART[1] for x, y in places):
            continue
        places.append(place)
        written[int(row["unit"])] = textwrap.shorten(str(row["word"]), 20, placeholder="…")
        if len(written) == LABELS:
            break
    return written


def shares(
    tables: Mapping[Side, tuple[str, pd.DataFrame]],
    name: str,
    ends: tuple[str, str],
    baselines: Mapping[str, str],
    **rest: Any,
) -> Chart:
    """A share of units by layer, as lines with their intervals; `baselines` are columns drawn dotted and dashed, by what to call
    them. The tables have one row a layer, in order, with `depth` (0 to 1). A point opens its side and its layer."""
    drawn: list[Series] = []
    for side, (model, table) in tables.items():
        sites = table["site"].astype(str).tolist()
        common = {
            "colour": colours.PLACES[side],
            "about": tuple(f"{model}, {site}" for site in sites),
            "opens": tuple([side, site] for site in sites),
        }
        low, high = (table[end] for end in ends)
        drawn.append(series(model, table["depth"], table[name], low, high, **common))
        for dash, (column, told) in enumerate(baselines.items(), start=1):
            if column in table and table[column].notna().any():
                label = told if len(tables) == 1 else f"{told} ({side.upper()})"
                drawn.append(series(label, table["depth"], table[column], dash=dash, **common))
    return Chart("lines", tuple(drawn), DEPTH, share=True, **rest)


def highest(tables: Iterable[pd.DataFrame], columns: Sequence[str]) -> float:
    """Where the axis of charts of these shares ends, with a little room."""
    shares = [table[column].max() for table in tables for column in columns if column in table]
    return min(1.0, 1.06 * float(np.nanmax([0.01, *shares])))


def texts(labels: Sequence[str], probabilities: np.ndarray, similarities: np.ndarray, **rest: Any) -> Chart:
    """How well texts (T,) fit one image: a bar each, the best on top."""
    order = np.argsort(-probabilities, kind="stable")
    bars = series(
        "",
        np.array([labels[place] for place in order], object),
        probabilities[order],
        about=tuple(f"{labels[place]}<br>cosine {similarities[place]:.3f}" for place in order),
    )
    return Chart("bars", (bars,), "probability", share=True, **rest)


def _wrapped(text: str) -> str:
    return "<br>".join(textwrap.wrap(str(text), 40)[:3])
