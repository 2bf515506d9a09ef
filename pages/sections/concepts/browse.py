"""Browsing a layer: every unit of it with its words, sorted, filtered and paged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.core.errors import VitrineError
from pages.common import colours, errors, results, widgets, words
from pages.common.colours import Side
from pages.common.experiment_page import ExperimentPage
from pages.sections.concepts import card
from pages.sections.concepts import view as views
from pages.sections.concepts.view import SORTS, ConceptsView

if TYPE_CHECKING:
    import pandas as pd

    from engine.core.request import Result

CARDS_A_PAGE = {1: 12, 2: 8}
"""By how many models are shown side by side."""
ANY = "any concept"


def layer(page: ExperimentPage[ConceptsView], view: ConceptsView) -> None:
    """The layer shown: model A's by name, model B's at the same relative depth. A newly chosen layer is computed
    immediately."""
    names, key = views.layers(view, "a"), page.key("layer_at")
    st.session_state[key] = views.layer(view, "a")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        with st.container(width=320):
            chosen = st.selectbox("Layer of model A", names, key=key)
        if view.b:
            with errors.shown():
                st.caption(f"Model B shows `{views.layer(view, 'b')}`, at the same relative depth.")
    if chosen != views.layer(view, "a"):
        page.show(view.model_copy(update={"layer": chosen, "page": 1}), compute=True)


def opener(page: ExperimentPage[ConceptsView], view: ConceptsView) -> Callable[[list[Any]], None]:
    """What a click on a point of a chart does, which carries a side and a site: it opens all units of that layer."""

    def opened(carried: list[Any]) -> None:
        side, site = carried
        if (asked := layer_of(view, side, str(site))) is not None:
            page.turn(view.model_copy(update={"show": "browse", "layer": asked, "page": 1}))

    return opened


def layer_of(view: ConceptsView, side: Side, site: str) -> str | None:
    """The layer of model A that shows this site of a side; None where none does."""
    for asked in views.layers(view, "a"):
        if views.layer(view.model_copy(update={"layer": asked}), side) == site:
            return asked
    return None


def draw(page: ExperimentPage[ConceptsView], view: ConceptsView, computed: Mapping[str, Result]) -> None:
    """The units of the layer of each model, side by side."""
    from engine.concepts import browsing
    from engine.concepts.telling import of_layer

    tables = {}
    for side in view.sides:
        if (naming := computed.get(f"name-{side}")) is not None:
            index = results.find(views.index(view, view.sides[side], views.layer(view, side)).key())
            tables[side] = browsing.units_table(naming, index, _purity(view, side))
    if not tables:
        return
    for side in tables:
        widgets.say_cut_texts(computed[f"name-{side}"])
    _filters(page, view, tables)
    kept = {
        side: browsing.chosen(table, view.sort, view.word, view.concept, view.least, view.named)
        for side, table in tables.items()
    }
    longest, each = max(len(table) for table in kept.values()), CARDS_A_PAGE[len(view.sides)]
    pages = max(1, -(-longest // each))
    at = min(view.page, pages)
    columns = st.columns(len(view.sides), gap="large")
    for column, side in zip(columns, view.sides, strict=True):
        with column:
            if side in kept:
                caption = f"{len(kept[side])} of {len(tables[side])} units shown. {of_layer(computed[f'name-{side}'])}"
                _side(page, view, side, caption, kept[side].iloc[(at - 1) * each : at * each])
    if pages > 1:
        # Under a new name on each page: a widget keeps its own place, and this one follows the link.
        name = f"page_at_{at}_{pages}"
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.pagination(pages, default=at, key=page.key(name), on_change=_turned, args=(page, "page", name))


def _side(
    page: ExperimentPage[ConceptsView], view: ConceptsView, side: Side, caption: str, shown: pd.DataFrame
) -> None:
    site = views.layer(view, side)
    st.subheader(f":{colours.NAMES[side]}[{errors.escape(view.sides[side])}] · `{site}`", anchor=False)
    st.caption(caption)
    if not len(shown):
        errors.hint("No unit matches these filters. Clear the word, lower the purity, or show units without a label.")
    rows = shown.to_dict("records")
    cards = [card.Card(side, view.sides[side], site, int(row["unit"]), _why(view, row), "layer") for row in rows]
    card.grid(page, view, cards)


def _why(view: ConceptsView, row: Mapping[Any, Any]) -> str:
    """What a card says beside its unit: the number that the cards are sorted by, and the concept where it has one, or else, where
    cards are sorted by it, the tag that comes nearest."""
    said = []
    if view.sort == "selectivity":
        said.append(f"selectivity **{words.number(float(row['selectivity']))}**")
    if row["pure"] or (view.sort == "purity" and isinstance(row["concept"], str)):
        what = "concept" if row["pure"] else "nearest tag"
        said.append(f"{what} **{errors.escape(str(row['concept']))}** AUROC {float(row['auroc']):.2f}")
    return " · ".join(said)


def _filters(page: ExperimentPage[ConceptsView], view: ConceptsView, tables: Mapping[Side, pd.DataFrame]) -> None:
    from engine.concepts import browsing

    measured = any(table["auroc"].notna().any() for table in tables.values())
    for name in ("sort", "word", "named"):
        st.session_state[page.key(f"{name}_at")] = getattr(view, name)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        with st.container(width=190):
            st.selectbox(
                "Sort by", [sort for sort in SORTS if measured or sort != "purity"], key=page.key("sort_at"),
                format_func=SORTS.__getitem__, on_change=_turned, args=(page, "sort", "sort_at"),
            )  # fmt: skip
        with st.container(width=190):
            st.text_input(
                "Word contains", key=page.key("word_at"), placeholder="any word", on_change=_turned,
                args=(page, "word", "word_at"),
            )  # fmt: skip
        if measured:
            names = sorted({name for table in tables.values() for name in browsing.concepts(table)})
            st.session_state[page.key("concept_at")] = view.concept or ANY
            with st.container(width=190):
                st.selectbox(
                    "Concept", [ANY, *_with(names, view.concept)], key=page.key("concept_at"),
                    on_change=_turned, args=(page, "concept", "concept_at"),
                    help="Units whose nearest tag this is. Listed are the tags of concept units: see Known concepts.",
                )  # fmt: skip
            st.session_state[page.key("least_at")] = view.least
            with st.container(width=170):
                st.slider(
                    "AUROC at least", 0.0, 1.0, step=0.05, key=page.key("least_at"), on_change=_turned,
                    args=(page, "least", "least_at"),
                )  # fmt: skip
        st.toggle(
            "Labelled units only", key=page.key("named_at"), on_change=_turned, args=(page, "named", "named_at"),
            help="Hides units whose best word does not hold on the other half of the kinds.",
        )  # fmt: skip
        _csv(page, view)
    if not measured:
        st.caption("Filters by concept appear here once **Known concepts** has been run.")


def _csv(page: ExperimentPage[ConceptsView], view: ConceptsView) -> None:
    """All units of all layers that are named, with their words and scores, as one CSV file."""
    from engine.concepts import browsing

    keys = [
        key
        for side, model in view.sides.items()
        for site in views.layers(view, side)
        if results.find(key := views.naming(view, model, site).key()) is not None
    ]

    def data() -> bytes:
        return browsing.names_csv(result for key in keys if (result := results.find(key)) is not None).encode()

    st.download_button(
        f"All units of {len(keys)} labelled layer{'s' if len(keys) > 1 else ''} as CSV",
        data,
        file_name=f"vitrine-concepts-{keys[0][:8]}-{len(keys)}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=page.key("csv"),
        on_click="ignore",
        type="tertiary",
        help="Addresses, words and scores of all units of the layers that have been labelled, of both models.",
    )


def _with(names: list[str], chosen: str) -> list[str]:
    """Names of a list, with the chosen one among them."""
    return names if not chosen or chosen in names else [chosen, *names]


def _turned(page: ExperimentPage[ConceptsView], name: str, widget: str) -> None:
    """A filter was moved: the same results are shown another way."""
    value, shown = st.session_state[page.key(widget)], page.shown()
    if shown is not None:
        value = "" if value == ANY else value[:100] if isinstance(value, str) else value
        page.turn(shown.model_copy(update={"page": 1, name: value}))


def _purity(view: ConceptsView, side: Side) -> Result | None:
    try:
        return results.find(views.purity(view, side).key())
    except VitrineError:
        return None  # a data set without tags: said under Known concepts
