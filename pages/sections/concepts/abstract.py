"""Do the words that units get become more abstract with depth, and more so with language supervision?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from pages.common import colours, errors, words
from pages.common.charts import figure
from pages.common.charts.files import Source
from pages.common.colours import Side
from pages.common.experiment_page import ExperimentPage
from pages.common.units.uploads import file_box, keep_words
from pages.sections.concepts import browse, charts
from pages.sections.concepts import view as views
from pages.sections.concepts.view import ConceptsView

if TYPE_CHECKING:
    from engine.core.request import Result

OWN = "the starter's own"


def draw(page: ExperimentPage[ConceptsView], view: ConceptsView, computed: Mapping[str, Result]) -> None:
    """The share of units whose best word is abstract, by layer, and the words themselves."""
    from engine.concepts import abstract, browsing
    from engine.figures.chart import Level

    _split(page, view)
    split = browsing.concreteness(view.split)
    tables: dict[Side, tuple[str, pd.DataFrame]] = {}
    keys: list[str] = []
    for side, model in view.sides.items():
        named = [
            result for site in views.layers(view, side) if (result := computed.get(f"name-{side}/{site}")) is not None
        ]
        if len(named) == len(views.layers(view, side)):
            tables[side] = (model, browsing.by_depth(abstract.abstract_shares(named, split)))
            keys += [result.key for result in named]
    if not tables:
        errors.hint("The figure appears once all layers of a model are labelled.", "hourglass_empty")
        return
    numbers = pd.concat([table for _, table in tables.values()])
    usual = float(numbers["vocabulary"].iloc[0])
    columns = ["share", "high", "vocabulary"]
    chart = charts.shares(
        tables, "share", ("low", "high"), {}, up="units with an abstract label, of those rated", title="Abstract words",
        finding=finding(tables), span=(0.0, charts.highest((table for _, table in tables.values()), columns)),
        levels=(Level(usual, "random word"),),
    )  # fmt: skip
    figure.draw(
        chart, numbers, Source("concepts", page.write(view), tuple(keys)), key="cn-abstract",
        note="Of the units whose label has a concreteness rating, the share with an abstract one. Bands: 95% intervals. "
        f"Dashed: the share of abstract words in the vocabulary ({words.share(usual)}).",
        opens="its layer", on_click=browse.opener(page, view),
    )  # fmt: skip
    st.dataframe(
        numbers[["model", "site", "units", "named", "judged", "abstract", "share"]],
        hide_index=True,
        column_config={
            "model": "Model", "site": "Layer", "units": "Units",
            "named": st.column_config.NumberColumn("Labelled", help="The best word holds on the other half of the kinds"),
            "judged": st.column_config.NumberColumn("Rated", help="Their label has a concreteness rating"),
            "abstract": "Abstract", "share": st.column_config.NumberColumn("Share", format="percent"),
        },
        alt="Units with an abstract label, by layer",
    )  # fmt: skip


def finding(tables: Mapping[Side, tuple[str, pd.DataFrame]]) -> str:
    """How the share of abstract words runs from the first layer to the last, for each model, in one line."""
    said = []
    for side, (model, table) in tables.items():
        judged = table[table["judged"] > 0]
        if len(judged):
            first, last = (_interval(row) for row in judged.iloc[[0, -1]].to_dict("records"))
            said.append(
                f":{colours.NAMES[side]}[{errors.escape(model)}] from {first} in its first layer to {last} in its last"
            )
    return (
        f"Units with an abstract label: {'; '.join(said)}."
        if said
        else "No unit has a label with a concreteness rating."
    )


def _interval(row: Mapping[Any, Any]) -> str:
    return words.shares(row["share"], row["low"], row["high"], to="–")


def _split(page: ExperimentPage[ConceptsView], view: ConceptsView) -> None:
    """Which list says how concrete words are."""
    left, right = st.columns([1.6, 1], vertical_alignment="center")
    left.caption(
        "A word is abstract if it names nothing that one could point at, like “love”. Concreteness ratings are from "
        f"{OWN if not view.split else errors.code(view.split)} list."
    )
    with right, st.popover("Upload your own list", icon=":material/upload_file:"):
        given = file_box(
            "CSV with a word and its concreteness per line; larger is more concrete",
            type=["csv"],
            key=page.key("split_file"),
        )
        if given is not None:
            with errors.shown():
                from engine.concepts import browsing

                name = f"voc-{keep_words(given.getvalue(), given.name)}"
                browsing.concreteness(name)
                st.button("Use this list", key=page.key("split_use"), on_click=_use, args=(page, name))
        if view.split:
            st.button("Reset to the starter's list", key=page.key("split_back"), on_click=_use, args=(page, ""))


def _use(page: ExperimentPage[ConceptsView], name: str) -> None:
    if (shown := page.shown()) is not None:
        page.turn(shown.model_copy(update={"split": name}))
