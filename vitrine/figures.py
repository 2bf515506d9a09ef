"""The chart of each experiment, drawn by the same functions as on the pages: one colour a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from engine.core import export
from engine.core.errors import BadRequest
from engine.core.request import Result
from pages.common import colours, line_charts
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
    return chart(results)


def _names(results: Sequence[Result]) -> list[str]:
    """What each result is called in a legend: its model, and its number where a model occurs twice."""
    names = [str(result.request.get("model") or result.request.get("reader")) for result in results]
    return [f"{name} ({place + 1})" if names.count(name) > 1 else name for place, name in enumerate(names)]


def _tables(results: Sequence[Result], table: str) -> dict[str, pd.DataFrame]:
    return dict(zip(_names(results), (result.tables[table] for result in results), strict=True))


def _sides(results: Sequence[Result], table: str) -> dict[Side, tuple[str, pd.DataFrame]]:
    return dict(zip(SIDES, _tables(results, table).items(), strict=False))


def _curves(results: Sequence[Result]) -> go.Figure:
    """The objective of every unit while its picture was made."""
    chart = line_charts.blank("step", "activation, mean over augmented copies")
    several = len(results) > 1
    for model, result in zip(_names(results), results, strict=True):
        for unit, values in zip(export.names(result), result.arrays["curves"], strict=True):
            name = f"{model}: {unit}" if several else f"unit {unit}"
            chart.add_scatter(
                x=np.arange(1, len(values) + 1), y=np.asarray(values, np.float32), mode="lines", name=name
            )
    chart.update_layout(hovermode="closest")
    return chart


def _selectivity(results: Sequence[Result]) -> go.Figure:
    """How far a unit's strongest images stand above all, for the units in falling order."""
    chart = line_charts.blank("units, most selective first", "selectivity, standard deviations")
    for number, (name, result) in enumerate(zip(_names(results), results, strict=True)):
        values = np.sort(result.arrays["selectivity"])[::-1]
        chart.add_scatter(
            x=np.arange(1, len(values) + 1), y=values, mode="lines", name=f"{name}@{result.request['site']}",
            line={"color": colours.model(number)},
        )  # fmt: skip
    return chart


def _accuracies(
    table: str, group: Callable[[dict[Any, Any]], str], title: str
) -> Callable[[Sequence[Result]], go.Figure]:
    """Bars of top-1 accuracy with intervals, a group for each row of a table."""

    def chart(results: Sequence[Result]) -> go.Figure:
        rows = {name: rows.to_dict("records") for name, rows in _tables(results, table).items()}
        groups = [group(row) for row in next(iter(rows.values()))]
        if any([group(row) for row in each] != groups for each in rows.values()):
            raise BadRequest("These results have different variants. Use the same ones for every model.")
        return reliance.bars(
            [*rows], groups, {n: [reliance.interval(row, "top1") for row in r] for n, r in rows.items()}, title
        )

    return chart


def _frequency(results: Sequence[Result]) -> go.Figure:
    """Accuracy under the low-pass (or, where none was asked for, the high-pass or single bands)."""
    for table, across in (("low", "highest frequency kept"), ("high", "highest frequency removed")):
        if all(table in result.tables and len(result.tables[table]) for result in results):
            tables = _tables(results, table)
            curves = {n: reliance.curve(rows.query("kept > 0"), "kept", "normalised") for n, rows in tables.items()}
            return reliance.curves(
                [*curves], curves, f"{across}, fraction of Nyquist", "top-1 relative to unfiltered images"
            )
    raise BadRequest("These results have neither a low-pass nor a high-pass in common. Their numbers are in .tables.")


def _gradients(results: Sequence[Result]) -> go.Figure:
    """The mean frequency of units' input gradients through the depth."""
    curves = {}
    for name, layers in _tables(results, "layers").items():
        placed = layers.assign(where=layers["depth"] / max(int(layers["depth"].max()), 1))
        curves[name] = reliance.curve(placed, "where", "mean_frequency", "low", "high")
    across, up = "depth: first layer 0, last 1", "mean frequency, of Nyquist"
    return reliance.curves([*curves], curves, across, up, percent=False)


def _places(results: Sequence[Result]) -> go.Figure:
    """How much the place counts, beside what it is worth."""
    found = dict(zip(_names(results), (result.facts["reliance"] for result in results), strict=True))
    return reliance.reliance([*found], found)


def _heads(results: Sequence[Result]) -> go.Figure:
    """What the last layer's head answers from: the class token, single positions, the mean of the patches."""
    heads = {
        side: (name, rows[rows["experiment"] == "heads"]) for side, (name, rows) in _sides(results, "accuracy").items()
    }
    names = [name for name in HEADS if any(name in set(rows["name"]) for _, rows in heads.values())]
    return spatial.bars(heads, [HEADS[name] for name in names], names)


HEADS = {
    "cls": "class token",
    "patch_mean": "mean of patches",
    "all_mean": "mean of all tokens",
    "patch_average": "single patch, average",
    "patch_maximum": "single patch, best",
}


def _moves(results: Sequence[Result]) -> go.Figure:
    """How far maps move along with shifted and turned images."""
    chart = line_charts.blank(line_charts.DEPTH, "correlation of the map with the transformed map")
    for side, (name, table) in _sides(results, "moves").items():
        for dash, (kind, part) in enumerate(table.groupby("kind")):
            bounds = part["equivariance_low"], part["equivariance_high"]
            curve = line_charts.Curve(part["depth"], part["equivariance"], *bounds)
            line_charts.line(chart, curve, f"{name}: {kind}", side, dash)
    return chart


def _localisation(results: Sequence[Result]) -> go.Figure:
    """How well maps tell the object from the rest; where no masks are known, what is left of position."""
    tables = _sides(results, "layers")
    for measure in ("localisation_strongest", "localisation_auroc"):
        if any(rows[measure].notna().any() for _, rows in tables.values()):
            return spatial.localisation(tables, measure)
    return spatial.curves(tables, "self_retrieval", "self-retrieval, share of tokens")


def _texts(results: Sequence[Result]) -> go.Figure:
    rows = results[0].tables["texts"]
    return concepts.texts([*rows["text"]], rows["probability"].to_numpy(), rows["similarity"].to_numpy())


def _purity(results: Sequence[Result]) -> go.Figure:
    """Concept units by layer, with what the same test finds among shuffled tags."""
    tables: dict[Side, tuple[str, pd.DataFrame]] = {
        side: (name, rows.assign(depth=np.linspace(0, 1, len(rows))))
        for side, (name, rows) in _sides(results, "layers").items()
    }
    column, nulls = "beyond_likeness", {"twin": "untrained", "directions": "random directions"}
    return concepts.shares(tables, "beyond likeness, % of the layer", column, f"{column}_low", f"{column}_high", nulls)


def _scores(results: Sequence[Result]) -> go.Figure:
    """The units that follow a text, best first, and what the best unit reaches by chance."""
    chart = line_charts.blank("units, best first", "correlation with the text")
    for number, (name, result) in enumerate(zip(_names(results), results, strict=True)):
        rows = result.tables["units"]
        chart.add_bar(
            x=np.arange(1, len(rows) + 1), y=rows["score"], name=f"{name}: {result.request['text']}",
            marker={"color": colours.model(number)}, customdata=rows["address"],
            hovertemplate="%{customdata}: %{y:.3f}<extra></extra>",
        )  # fmt: skip
        line_charts.level(chart, result.facts["chance"], f"{name}: best by chance")
    chart.update_layout(hovermode="closest")
    return chart


def _plane(results: Sequence[Result]) -> go.Figure:
    return concepts.units_map(results[0].tables["units"], "a")


def _agreement(results: Sequence[Result]) -> go.Figure:
    """How well the words of units' pictures agree with those of their images, and pictures of other units with them."""
    rows = results[0].tables["units"]
    chart = line_charts.blank("unit", "correlation of words")
    units = [str(unit) for unit in rows["unit"]]
    chart.add_bar(x=units, y=rows["consistency"], name="its own picture", marker={"color": colours.of("a")})
    chart.add_bar(x=units, y=rows["others"], name="against other units' images", marker={"color": colours.of("quiet")})
    chart.update_xaxes(type="category")
    return chart


CHARTS: dict[str, tuple[Callable[[Sequence[Result]], go.Figure], int]] = {
    "visualize": (_curves, MOST),
    "index": (_selectivity, MOST),
    "background": (_accuracies("variants", reliance.variant, "top-1 accuracy"), MOST),
    "texture": (_accuracies("variants", lambda row: row["fill"] or "full image", "top-1 accuracy"), MOST),
    "challenge": (_accuracies("variations", lambda row: row["variation"], "top-1 of nine classes"), MOST),
    "frequency": (_frequency, MOST),
    "gradient-spectrum": (_gradients, MOST),
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
