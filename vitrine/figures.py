"""The chart of each experiment, drawn by the same functions as on the pages: one colour a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from engine.core import export
from engine.core.errors import BadRequest
from engine.core.request import Result
from engine.figures.chart import Chart, Level, series
from pages.common import colours
from pages.common.charts.figure import plotted
from pages.common.colours import Side
from pages.sections.concepts import charts as concepts
from pages.sections.reliance import charts as reliance
from pages.sections.spatial import charts as spatial

MOST = len(colours.MODELS)
SIDES: tuple[Side, Side] = ("a", "b")


def draw(results: Sequence[Result]) -> go.Figure:
    """The chart of one experiment's results. Raises BadRequest where there is none, or they are of several experiments."""
    kinds = {str(result.request["experiment"]) for result in results}
    if len(kinds) > 1:
        raise BadRequest(
            f"Results of {' and '.join(sorted(kinds))} cannot be combined in one chart. Draw them separately."
        )
    kind = kinds.pop()
    if kind not in CHARTS:
        known = ", ".join(sorted(CHARTS))
        raise BadRequest(
            f"There is no chart of {kind}: its numbers are in .tables and .arrays. There are charts of {known}."
        )
    chart, most = CHARTS[kind]
    if len(results) > most:
        raise BadRequest(f"{len(results)} results are too many for one chart of {kind}: the limit is {most}.")
    return plotted(chart(results))


def _names(results: Sequence[Result]) -> list[str]:
    """What each result is called in a legend: its model, and its number where a model occurs twice."""
    names = [str(result.request.get("model") or result.request.get("reader")) for result in results]
    return [f"{name} ({place + 1})" if names.count(name) > 1 else name for place, name in enumerate(names)]


def _tables(results: Sequence[Result], table: str) -> dict[str, pd.DataFrame]:
    return dict(zip(_names(results), (result.tables[table] for result in results), strict=True))


def _sides(results: Sequence[Result], table: str) -> dict[Side, tuple[str, pd.DataFrame]]:
    return dict(zip(SIDES, _tables(results, table).items(), strict=False))


def _curves(results: Sequence[Result]) -> Chart:
    """The objective of every unit while its picture was made; each is named at its end where there are few."""
    several, lines = len(results) > 1, []
    for number, (model, result) in enumerate(zip(_names(results), results, strict=True)):
        for place, (unit, values) in enumerate(zip(export.names(result), result.arrays["curves"], strict=True)):
            name = f"{model}: {unit}" if several else f"unit {unit}"
            steps = np.arange(1, len(values) + 1)
            about = tuple(f"{name}, step {step}" for step in steps)
            lines.append(series(name, steps, values, colour=number if several else place % MOST, about=about))
    shown = tuple(lines) if len(lines) <= MOST else tuple(replace(each, name="") for each in lines)
    return Chart("lines", shown, "step", "activation, mean over augmented copies")


def _selectivity(results: Sequence[Result]) -> Chart:
    """How far a unit's strongest images stand above all, for the units in falling order."""
    lines = []
    for number, (name, result) in enumerate(zip(_names(results), results, strict=True)):
        values = np.sort(result.arrays["selectivity"])[::-1]
        label = f"{name}@{result.request['site']}"
        lines.append(series(label, np.arange(1, len(values) + 1), values, colour=number))
    return Chart("lines", tuple(lines), "units, most selective first", "selectivity, standard deviations")


def _accuracies(table: str, group: Callable[[dict[Any, Any]], str], title: str) -> Callable[[Sequence[Result]], Chart]:
    """Bars of top-1 accuracy with intervals, a group for each row of a table."""

    def chart(results: Sequence[Result]) -> Chart:
        rows = {name: rows.to_dict("records") for name, rows in _tables(results, table).items()}
        groups = [group(row) for row in next(iter(rows.values()))]
        if any([group(row) for row in each] != groups for each in rows.values()):
            raise BadRequest("These results have different variants. Use the same ones for every model.")
        return reliance.bars(
            [*rows], groups, {n: [reliance.interval(row, "top1") for row in r] for n, r in rows.items()}, title
        )

    return chart


def _frequency(results: Sequence[Result]) -> Chart:
    """Accuracy under the low-pass (or, where none was asked for, the high-pass or single bands)."""
    for table, across in (("low", "highest frequency kept"), ("high", "highest frequency removed")):
        if all(table in result.tables and len(result.tables[table]) for result in results):
            tables = _tables(results, table)
            curves = {n: reliance.curve(rows.query("kept > 0"), "kept", "normalised") for n, rows in tables.items()}
            return reliance.curves(
                [*curves], curves, f"{across}, fraction of Nyquist", "top-1 relative to unfiltered images"
            )
    raise BadRequest("These results have neither a low-pass nor a high-pass in common. Their numbers are in .tables.")


def _gradients(results: Sequence[Result]) -> Chart:
    """The mean frequency of units' input gradients through the depth."""
    curves = {}
    for name, layers in _tables(results, "layers").items():
        placed = layers.assign(where=layers["depth"] / max(int(layers["depth"].max()), 1))
        curves[name] = reliance.curve(placed, "where", "mean_frequency", "low", "high")
    across, up = "depth: first layer 0, last 1", "mean frequency, of Nyquist"
    return reliance.curves([*curves], curves, across, up, share=False)


def _cues(results: Sequence[Result]) -> Chart:
    """The units of a layer by what they lean on."""
    return reliance.units(_tables(results, "units"))


def _places(results: Sequence[Result]) -> Chart:
    """How much the place counts, beside what it is worth."""
    found = dict(zip(_names(results), (result.facts["reliance"] for result in results), strict=True))
    return reliance.reliance([*found], found)


def _heads(results: Sequence[Result]) -> Chart:
    """What the last layer's head answers from: the class token, single positions, the mean of the patches."""
    heads = {
        side: (name, rows[rows["experiment"] == "heads"]) for side, (name, rows) in _sides(results, "accuracy").items()
    }
    names = [name for name in spatial.HEADS if any(name in set(rows["name"]) for _, rows in heads.values())]
    return spatial.bars(heads, [spatial.HEADS[name] for name in names], names)


def _moves(results: Sequence[Result]) -> Chart:
    """How far maps move along with shifted and turned images."""
    return spatial.moved(_sides(results, "moves"), "equivariance", "correlation of the map with the transformed map")


def _localisation(results: Sequence[Result]) -> Chart:
    """How well maps tell the object from the rest; where no masks are known, what is left of position."""
    tables = _sides(results, "layers")
    for measure in ("localisation_strongest", "localisation_auroc"):
        if any(rows[measure].notna().any() for _, rows in tables.values()):
            return spatial.localisation(tables, measure)
    return spatial.curves(tables, "self_retrieval", "self-retrieval, share of tokens")


def _texts(results: Sequence[Result]) -> Chart:
    rows = results[0].tables["texts"]
    return concepts.texts([*rows["text"]], rows["probability"].to_numpy(), rows["similarity"].to_numpy())


def _purity(results: Sequence[Result]) -> Chart:
    """Concept units by layer, with what the same test finds among shuffled tags."""
    tables: dict[Side, tuple[str, pd.DataFrame]] = {
        side: (name, rows.assign(depth=np.linspace(0, 1, len(rows))))
        for side, (name, rows) in _sides(results, "layers").items()
    }
    column, nulls = "beyond_likeness", {"twin": "untrained", "directions": "random directions"}
    ends = (f"{column}_low", f"{column}_high")
    top = concepts.highest((rows for _, rows in tables.values()), [column, ends[1], *nulls])
    return concepts.shares(tables, column, ends, nulls, up="units beyond likeness, of the layer", span=(0.0, top))


def _scores(results: Sequence[Result]) -> Chart:
    """The units that follow a text, best first, and what the best unit reaches by chance."""
    lines, levels = [], []
    for number, (name, result) in enumerate(zip(_names(results), results, strict=True)):
        rows = result.tables["units"].sort_values("score", ascending=False)
        label, about = f"{name}: {result.request['text']}", tuple(rows["address"].astype(str))
        lines.append(series(label, np.arange(1, len(rows) + 1), rows["score"], colour=number, about=about))
        levels.append(Level(float(result.facts["chance"]), f"{name}: best by chance", number))
    return Chart("lines", tuple(lines), "units, best first", "correlation with the text", levels=tuple(levels))


def _plane(results: Sequence[Result]) -> Chart:
    return concepts.units_map(results[0].tables["units"], "a")


def _agreement(results: Sequence[Result]) -> Chart:
    """How well the words of units' pictures agree with those of their images, and pictures of other units with them."""
    rows = results[0].tables["units"]
    units = np.array([f"unit {unit}" for unit in rows["unit"]], object)
    own = series("its own picture", units, rows["consistency"])
    others = series("other units' pictures", units, rows["others"], colour=None)
    return Chart("bars", (own, others), "correlation of words")


CHARTS: dict[str, tuple[Callable[[Sequence[Result]], Chart], int]] = {
    "visualize": (_curves, MOST),
    "index": (_selectivity, MOST),
    "background": (_accuracies("variants", reliance.variant, "top-1 accuracy"), MOST),
    "texture": (_accuracies("variants", lambda row: row["fill"] or reliance.VARIANTS["full"], "top-1 accuracy"), MOST),
    "challenge": (_accuracies("variations", lambda row: row["variation"], "top-1 of nine classes"), MOST),
    "frequency": (_frequency, MOST),
    "gradient-spectrum": (_gradients, MOST),
    "unit-cues": (_cues, MOST),
    "counterfactual": (_places, MOST),
    "spatial-layers": (_localisation, len(SIDES)),
    "spatial-last": (_heads, len(SIDES)),
    "spatial-moves": (_moves, len(SIDES)),
    "purity": (_purity, len(SIDES)),
    "find-units": (_scores, MOST),
    "unit-map": (_plane, 1),
    "picture-words": (_agreement, 1),
    "zero-shot": (_texts, 1),
}
"""For each experiment its chart, and how many results (one a model) go into one."""
