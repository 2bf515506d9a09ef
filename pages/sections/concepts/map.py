"""The map of a layer: its units on a plane, those that respond to the same images close together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from pages.common import colours, errors, results, words
from pages.common.charts import figure
from pages.common.charts.files import Source
from pages.common.colours import Side
from pages.common.experiment_page import ExperimentPage
from pages.sections.concepts import card, charts
from pages.sections.concepts import view as views
from pages.sections.concepts.view import ConceptsView

if TYPE_CHECKING:
    from engine.core.request import Result

MOST_CARDS = {1: 12, 2: 6}
"""By how many models are shown side by side."""


def draw(page: ExperimentPage[ConceptsView], view: ConceptsView, computed: Mapping[str, Result]) -> None:
    """A map for each model; what is selected on it stands below as cards."""
    columns = st.columns(len(view.sides), gap="large")
    for column, side in zip(columns, view.sides, strict=True):
        if f"map-{side}" in computed:
            with column:
                _side(page, view, side, computed[f"map-{side}"], computed.get(f"name-{side}"))


def _side(
    page: ExperimentPage[ConceptsView], view: ConceptsView, side: Side, placed: Result, naming: Result | None
) -> None:
    from engine.concepts import browsing

    site = views.layer(view, side)
    st.subheader(f":{colours.NAMES[side]}[{errors.escape(view.sides[side])}] · `{site}`", anchor=False)
    table = placed.tables["units"]
    named = None
    if naming is not None:
        index = results.find(views.index(view, view.sides[side], site).key())
        named = browsing.units_table(naming, index).set_index("unit")
        table = table.join(named[["word", "words", "score", "named"]], on="unit")
    explained = placed.facts["explained"]
    still = f" {placed.facts['still']} units are constant and not shown." if placed.facts["still"] else ""
    keys = (placed.key,) if naming is None else (placed.key, naming.key)
    selected = figure.draw(
        charts.units_map(table, side, title=f"{len(table)} units of {view.sides[side]} at {site}"),
        table,
        Source("concepts", page.write(view), keys),
        key=page.key(f"map_{side}"),
        note=f"Each point is a unit, placed by its activations on {placed.facts['images']} images: the first two principal "
        f"components of the standardised activations ({words.share(explained[0])} and {words.share(explained[1])} of the "
        f"variance). Units close together respond to similar images. Larger: more selective. Grey: no label.{still}",
        opens="its card",
    )
    chosen = {int(unit) for (unit,) in selected}
    most = MOST_CARDS[len(view.sides)]
    if not chosen:
        errors.hint(
            "Draw a box or a lasso around some units, or click one, to see their cards.", "highlight_mouse_cursor"
        )
        return
    best = browsing.chosen(named[named.index.isin(chosen)]).index if named is not None else sorted(chosen)
    units = [int(unit) for unit in best][:most]
    more = f"; showing the {most} with the highest label scores" if len(chosen) > most else ""
    st.caption(f"{len(chosen)} unit{'s' if len(chosen) > 1 else ''} selected{more}.")
    cards = [card.Card(side, view.sides[side], site, unit, "", "map") for unit in units]
    card.grid(page, view, cards)
