"""A unit as the concept browser shows it: its words with their scores, the images that excite it, and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from engine.core.address import Address
from pages.common import colours, errors, query, results, words
from pages.common.colours import Side
from pages.common.experiment_page import ExperimentPage, Part
from pages.common.experiments.places import SCRIPTS
from pages.common.units.charts import histogram
from pages.common.units.view import View
from pages.sections.concepts import making
from pages.sections.concepts import view as views
from pages.sections.concepts.view import ConceptsView

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from engine.core.request import Request, Result

IMAGES = 5
PICTURE = 96
WORDS = 4
CARD = 330
"""The least width of a card, in pixels."""


@dataclass(frozen=True)
class Card:
    """One unit of one side, and what is said of it in Markdown: `why` it stands here in a few words, and a `note` below.
    `follows` are its words with their scores where they are known from elsewhere than the layer's names."""

    side: Side
    model: str
    site: str
    unit: int
    why: str = ""
    place: str = ""
    note: str = ""
    follows: tuple[tuple[str, float], ...] = ()

    @property
    def name(self) -> str:
        """Tells cards on one page apart."""
        return f"{self.place}-{self.side}-{self.site}-{self.unit}"


def grid(
    page: ExperimentPage[ConceptsView],
    view: ConceptsView,
    cards: Sequence[Card],
    columns: int,
    tools: DeltaGenerator | None = None,
) -> None:
    """Cards side by side, with one button (in `tools`, else above them) that makes the pictures which are not there."""
    if not cards:
        return
    absent = [card for card in cards if _picture(view, card) is None]
    coming = making.coming(page)
    absent = [card for card in absent if _request(view, card).key() not in coming]
    if absent:
        with tools or st.container():
            pressed = st.button(
                "Make the picture" if len(absent) == 1 else f"Make {len(absent)} pictures",
                icon=":material/brush:",
                key=page.key(f"make_{cards[0].place}_{cards[0].side}"),
                help="Optimized from noise to activate the unit as strongly as possible. Each takes about ten seconds on "
                "two cores for a starter model; results are cached.",
            )
        if pressed:
            with errors.shown():
                making.want(page, [_part(view, card) for card in absent])
                st.rerun()
    with st.grid(columns, min_column_width=CARD, gap="small"):
        for card in cards:
            _draw(view, card)


def _draw(view: ConceptsView, card: Card) -> None:
    with st.container(border=True, gap="small", key=f"concept-{card.name}"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**Unit {card.unit}** :small[`{card.site}`]", width="content")
            if card.why:
                st.markdown(f":small[{card.why}]", width="content")
        naming = making.named(view, card.model, card.site)
        st.markdown(_words(naming, card))
        if card.note:
            st.caption(card.note)
        index = results.find(views.index(view, card.model, card.site).key())
        _pictures(view, card)
        _more(view, card, naming, index)


def _words(naming: Result | None, card: Card) -> str:
    """The unit's words as Markdown, best first: in the model's colour where it is above chance."""
    if card.follows:
        return _badges(card, card.follows)
    if naming is None:
        return ":small[:gray[The label appears here once the layer has been labelled.]]"
    numbers, scores = naming.arrays["words"][card.unit], naming.arrays["scores"][card.unit]
    told = [(naming.facts["words"][number], float(score)) for number, score in zip(numbers, scores, strict=True)]
    if not bool(naming.arrays["abstained"][card.unit]):
        return _badges(card, told)
    nearest = ", ".join(f"{errors.escape(word)} {words.number(score)}" for word, score in told[:2])
    return f":gray-badge[no label] :small[:gray[nearest: {nearest}]]"


def _badges(card: Card, follows: Sequence[tuple[str, float]]) -> str:
    told = [f"{errors.escape(word)} {words.number(score)}" for word, score in follows[:WORDS]]
    return " ".join([f":{colours.NAMES[card.side]}-badge[{told[0]}]", *(f":gray-badge[{each}]" for each in told[1:])])


def _pictures(view: ConceptsView, card: Card) -> None:
    picture = _picture(view, card)
    with st.container(horizontal=True, gap="small", vertical_alignment="top"):
        if picture is not None:
            key = _request(view, card).key()
            st.image(
                results.picture(key, "images", 0, PICTURE),
                caption=":small[picture]",
                width=PICTURE,
                output_format="PNG",
                alt=f"Picture of unit {card.unit} of {card.model}, {card.site}",
            )
        images(view, card, IMAGES - 1 if picture is not None else IMAGES)


def images(view: ConceptsView, card: Card, count: int) -> None:
    """The unit's strongest images side by side, each with what is on it."""
    key, dataset = views.index(view, card.model, card.site).key(), results.dataset(view.data)
    index = results.find(key)
    if index is None:
        st.caption("The images that activate this unit most appear here once its layer is indexed.")
        return
    with st.grid(count, min_column_width=44, wrap=False, gap="xxsmall"):
        for rank in results.top_ranks(index, card.unit, view.data, count):
            facts = dataset.describe(int(index.arrays["top_mean"][card.unit, rank]))
            st.image(
                results.scene(key, card.unit, rank, view.data, results.input_size(card.model), False),
                caption=f":small[{errors.escape(words.short(facts))}]",
                width="stretch",
                output_format="PNG",
                alt=f"Image {rank + 1} for unit {card.unit}: {words.scene(facts)}",
            )


def _more(view: ConceptsView, card: Card, naming: Result | None, index: Result | None) -> None:
    more = st.expander("Distribution and address", type="compact", key=f"more-{card.name}", on_change="rerun")
    if not more.open:
        return
    address = Address(card.model, card.site, (card.unit,))
    with more:
        if index is not None:
            values, picture = index.arrays["position_mean"][:, card.unit], _picture(view, card)
            activation = None if picture is None else float(picture.tables["units"]["activation"].iloc[0])
            st.plotly_chart(
                histogram(np.asarray(values), activation, None, card.side),
                key=f"histogram-{card.name}",
                config={"displayModeBar": False},
                alt=f"Histogram of the activations of unit {card.unit} on {view.data}",
            )
            st.caption(
                f"Activations of the unit on {len(values)} images. Selectivity {_selectivity(index, card.unit)}."
            )
        if naming is not None:
            from engine.concepts.telling import of_unit

            st.caption(of_unit(naming, card.unit))
        st.code(str(address), language=None, wrap_lines=True)
        closer(view, address)


def closer(view: ConceptsView, address: Address) -> None:
    """A link to these units or targets on the page that shows all of them."""
    st.page_link(
        SCRIPTS["visualize"],
        label="Open in Feature visualization",
        icon=":material/arrow_forward:",
        icon_position="right",
        query_params=query.write(View(a=address, data=view.data)),
    )


def _selectivity(index: Result, unit: int) -> str:
    return words.number(float(index.arrays["selectivity"][unit]))


def _request(view: ConceptsView, card: Card) -> Request:
    return views.picture(view, card.model, card.site, card.unit)


def _picture(view: ConceptsView, card: Card) -> Result | None:
    return results.find(_request(view, card).key())


def _part(view: ConceptsView, card: Card) -> Part:
    title = f":{colours.NAMES[card.side]}[**{errors.escape(card.model)}**] Picture of unit {card.unit} of `{card.site}`"
    return Part(card.name, title, _request(view, card))
