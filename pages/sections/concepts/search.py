"""Searching by words: the box on top of the page, and the units of each model that follow the text best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.common import colours, errors, widgets, words
from pages.common.colours import Side
from pages.common.experiment_page import ExperimentPage
from pages.sections.concepts import card
from pages.sections.concepts.view import ConceptsView

if TYPE_CHECKING:
    from engine.core.request import Result

EXAMPLES = ("music", "a bird in the snow", "fire", "something to eat", "the sea at night")
CARDS_A_PAGE = 6
EMPTY = (
    "Enter a word or a sentence above. Vitrine compares it with every image and finds the units that respond to the same "
    "images; units need not have been labelled before."
)


def box(page: ExperimentPage[ConceptsView]) -> str | None:
    """The search box with examples under it. Gives the text when somebody asks for it, else None."""
    state, asked = st.session_state, page.key("asked")
    left, right = st.columns([6, 1], vertical_alignment="bottom")
    left.text_input(
        "Find units by text",
        key=page.key("text"),
        placeholder="a word or a sentence, like: music, or: a bird in the snow",
        icon=":material/search:",
        on_change=_ask,
        args=(page,),
    )
    right.button("Search", type="primary", key=page.key("search"), on_click=_ask, args=(page,), width="stretch")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption("For example", width="content")
        st.pills(
            "Examples",
            EXAMPLES,
            key=page.key("example"),
            on_change=_ask,
            args=(page, True),
            label_visibility="collapsed",
        )
    return state.get(page.key("text")) or "" if state.pop(asked, False) else None


def _ask(page: ExperimentPage[ConceptsView], example: bool = False) -> None:
    state = st.session_state
    if example:
        state[page.key("text")], state[page.key("example")] = state[page.key("example")], None
    state[page.key("asked")] = True


def draw(page: ExperimentPage[ConceptsView], view: ConceptsView, computed: Mapping[str, Result]) -> None:
    """The best units of each model, side by side."""
    if not view.text:
        errors.hint(EMPTY, "search")
        return
    there: dict[Side, Result] = {side: computed[f"find-{side}"] for side in view.sides if f"find-{side}" in computed}
    if not there:
        return
    columns = st.columns(len(view.sides), gap="large")
    for column, side in zip(columns, view.sides, strict=True):
        with column:
            if side in there:
                _side(page, view, side, there[side])


def _side(page: ExperimentPage[ConceptsView], view: ConceptsView, side: Side, result: Result) -> None:
    model, table = view.sides[side], result.tables["units"]
    st.markdown(f"#### :{colours.NAMES[side]}[{errors.escape(model)}]")
    st.markdown(finding(result))
    widgets.say_cut_texts(result)
    pages, first = -(-len(table) // CARDS_A_PAGE), 0
    tools = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    if pages > 1:
        with tools:
            first = (st.pagination(pages, key=page.key(f"found_{side}")) - 1) * CARDS_A_PAGE
    cards = [_card(side, model, result, place) for place in in_order(result)[first : first + CARDS_A_PAGE]]
    card.grid(page, view, cards, 1 if len(view.sides) > 1 else 2, tools)


def _card(side: Side, model: str, result: Result, place: int) -> card.Card:
    row = result.tables["units"].iloc[place].to_dict()
    numbers, scores = result.arrays["words"][place].tolist(), result.arrays["word_scores"][place].tolist()
    follows = tuple(
        (result.facts["words"][number], float(score)) for number, score in zip(numbers, scores, strict=True)
    )
    return card.Card(
        side, model, str(row["site"]), int(row["unit"]), why(row), "found", beside(row, follows[0][0]), follows
    )  # fmt: skip


def finding(result: Result) -> str:
    """What a search found: its best unit, and how well that follows the text against chance and against other words."""
    facts = result.facts
    if not facts["found"]:
        return f":material/info: {errors.escape(str(facts['sentence']))}"
    best = result.tables["units"].iloc[0]
    return (
        f"Of {facts['searched']:,} units, unit {int(best['unit'])} of `{best['site']}` follows "
        f"“{errors.escape(facts['text'])}” best, with a correlation of **{float(best['score']):.2f}** (chance level "
        f"{float(facts['chance']):.2f}); {words.share(float(facts['among_words']))} of the vocabulary's words have a lower "
        f"best correlation in that layer."
    )


def why(row: Mapping[Any, Any]) -> str:
    """Why a unit was found."""
    return f"correlation **{float(row['score']):.2f}** · z {words.number(float(row['z']))}"


def in_order(result: Result) -> list[int]:
    """Rows of the table of units as they are shown: those that follow no word more than the text, best first; then the others,
    those that follow the same word most together."""
    table = result.tables["units"]
    words_above, most = table["words_above"].tolist(), result.arrays["words"][:, 0].tolist()
    places = list(range(len(table)))
    first = {most[place]: place for place in reversed(places)}
    return sorted(
        places, key=lambda place: (0, place, 0) if words_above[place] == 0 else (1, first[most[place]], place)
    )


def beside(row: Mapping[Any, Any], most: str) -> str:
    """What else a found unit follows, and which word `most`."""
    above = int(row["words_above"])
    if above == 0:
        return "Follows no word more closely than this text."
    others = "" if above == 1 else f" and {above - 1:,} other word{'s' if above > 2 else ''}"
    return f"Follows “{errors.escape(most)}”{others} more closely than this text."
