"""The map of a layer: its units on a plane, those that respond to the same images close together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.common import colours, errors, figures, results, words
from pages.common.colours import Side
from pages.common.experiment_page import ExperimentPage
from pages.sections.concepts import card, charts
from pages.sections.concepts import view as views
from pages.sections.concepts.view import ConceptsView

if TYPE_CHECKING:
    from engine.core.request import Result

MOST_CARDS = {1: 12, 2: 6}
"""By how many models are shown side by side."""
BUTTONS = ["select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "resetScale2d", "toImage"]


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

    site, key = views.layer(view, side), page.key(f"map_{side}")
    st.markdown(f"#### :{colours.NAMES[side]}[{errors.escape(view.sides[side])}] · `{site}`")
    table = placed.tables["units"]
    named = None
    if naming is not None:
        index = results.find(views.index(view, view.sides[side], site).key())
        named = browsing.units_table(naming, index).set_index("unit")
        table = table.join(named[["word", "words", "score", "named"]], on="unit")
    explained = placed.facts["explained"]
    event: Any = st.plotly_chart(
        charts.units_map(table, side),
        key=key,
        on_select="rerun",
        selection_mode=("points", "box", "lasso"),
        config={"displaylogo": False, "modeBarButtons": [BUTTONS]},
        alt=f"{len(table)} units of {site} in two dimensions",
    )  # fmt: skip
    still = f" {placed.facts['still']} units are constant and not shown." if placed.facts["still"] else ""
    said, button = st.columns([5, 1], gap="small")
    said.caption(
        f"Each point is a unit, placed by its activations on {placed.facts['images']} images: the first two principal "
        f"components of the standardised activations ({words.share(explained[0])} and {words.share(explained[1])} of the "
        f"variance). Units close together respond to similar images. Larger: more selective. Grey: no label.{still}"
    )
    with button:
        figures.csv(table, f"map-{side}", key)
    chosen = {int(point["customdata"][0]) for point in event["selection"]["points"]} if event else set()
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
    card.grid(page, view, cards, 1 if len(view.sides) > 1 else 3)
