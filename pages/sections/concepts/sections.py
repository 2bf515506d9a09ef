"""What the page "Concepts" shows: the search or one of the other ways to look at units, and the links between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from engine.core.request import Result
from pages.common import errors, query
from pages.common.experiment_page import ExperimentPage
from pages.common.experiments.places import SCRIPTS
from pages.sections.concepts import (
    abstract,
    browse,
    making,
    map,
    purity,
    read,
    requests,
    search,
    text_pictures,
    zero_shot,
)
from pages.sections.concepts.view import SECTIONS, ConceptsView, Section, summary

Draw = Callable[[ExperimentPage[ConceptsView], ConceptsView, Mapping[str, Result]], None]


@dataclass(frozen=True)
class Drawn:
    """How one view is drawn: what is said where its results are not there yet, what draws them, and what is chosen above them."""

    offer: str
    draw: Draw
    choosing: tuple[Callable[[ExperimentPage[ConceptsView], ConceptsView], None], ...] = ()


DRAWN: dict[Section, Drawn] = {
    "search": Drawn("This search has not been run on this machine yet.", search.draw),
    "browse": Drawn(
        "The units of this layer have not been labelled yet. Labelling takes a few seconds once the images have been run "
        "through the models.",
        browse.draw,
        (browse.layer,),
    ),
    "map": Drawn(
        "This layer has not been projected yet. It takes a few seconds once the images have been run through the models.",
        map.draw,
        (browse.layer,),
    ),
    "purity": Drawn("Purity has not been measured yet. It takes up to a minute on two cores.", purity.draw),
    "abstract": Drawn(
        "Some layers have not been labelled yet. Each takes a few seconds once the images have been run through the models.",
        abstract.draw,
    ),
    "draw": Drawn(
        "No picture has been computed for this text yet. It takes about ten seconds on two cores for a starter model.",
        text_pictures.draw,
    ),
    "zero-shot": Drawn("These texts have not been compared with this image yet.", zero_shot.draw, (zero_shot.setup,)),
    "read": Drawn(
        "These pictures have not been computed and labelled yet. Each takes about ten seconds on two cores for a starter "
        "model.",
        read.draw,
        (browse.layer, read.setup),
    ),
}


def draw(page: ExperimentPage[ConceptsView], view: ConceptsView) -> None:
    """What is looked at; nothing else is computed or drawn."""
    section, (name, about) = DRAWN[view.show], SECTIONS[view.show]
    parts = requests.parts(view)
    if view.show != "search":
        _back(view)
        st.header(name, anchor=False)
        st.caption(about)
    for choose in section.choosing:
        choose(page, view)
    if st.session_state.pop(page.key("fresh"), False) or page.at_once([part.request for part in parts]):
        making.wait_briefly(page, parts)
    if view.show != "search":
        page.bar(errors.escape(summary(view)), parts, name="vitrine-concepts")
    making.panel(page)
    section.draw(page, view, page.results(parts, section.offer))


def more(view: ConceptsView) -> None:
    """The ways to look at these models beside the search, each with what it tells."""
    st.header("More about these models", anchor=False)
    with st.grid("auto", min_column_width=300, gap="medium"):
        for show, (name, about) in SECTIONS.items():
            if show != view.show:
                with st.container(gap=None):
                    _link(view, show, name)
                    st.caption(about)


def _back(view: ConceptsView) -> None:
    _link(view, "search", "Back to the search", ":material/arrow_back:")


def _link(view: ConceptsView, show: Section, label: str, icon: str | None = None) -> None:
    """The way to another view of the same models."""
    there = view.model_copy(update={"show": show, "page": 1})
    st.page_link(SCRIPTS["concepts"], label=label, icon=icon, query_params=query.write(there))
