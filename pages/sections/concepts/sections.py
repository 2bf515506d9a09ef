"""The sections of the page "Concepts": what is asked for, and the one that is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from engine.core.request import Result
from pages.common.experiment_page import ExperimentPage
from pages.sections.concepts import (
    abstract,
    browse,
    making,
    map,
    purity,
    read,
    requests,
    search,
    setup,
    text_pictures,
    zero_shot,
)
from pages.sections.concepts.view import WITHOUT_READER, ConceptsView

Draw = Callable[[ExperimentPage[ConceptsView], ConceptsView, Mapping[str, Result]], None]


@dataclass(frozen=True)
class Section:
    """One section: what is said where its results are not there yet, what draws them, and what is chosen above them."""

    offer: str
    draw: Draw
    choosing: tuple[Callable[[ExperimentPage[ConceptsView], ConceptsView], None], ...] = ()


DRAWN: dict[str, Section] = {
    "search": Section("This search has not been run on this machine yet.", search.draw),
    "browse": Section(
        "The units of this layer have not been labelled yet. Labelling takes a few seconds once the images have been run "
        "through the models.",
        browse.draw,
        (browse.layer,),
    ),
    "map": Section(
        "This layer has not been projected yet. It takes a few seconds once the images have been run through the models.",
        map.draw,
        (browse.layer,),
    ),
    "purity": Section("Purity has not been measured yet. It takes up to a minute on two cores.", purity.draw),
    "abstract": Section(
        "Some layers have not been labelled yet. Each takes a few seconds once the images have been run through the models.",
        abstract.draw,
    ),
    "draw": Section(
        "No picture has been computed for this text yet. It takes about ten seconds on two cores for a starter model.",
        text_pictures.draw,
    ),
    "zero-shot": Section("These texts have not been compared with this image yet.", zero_shot.draw, (zero_shot.setup,)),
    "read": Section(
        "These pictures have not been computed and labelled yet. Each takes about ten seconds on two cores for a starter "
        "model.",
        read.draw,
        (browse.layer, read.setup),
    ),
}


def ask(page: ExperimentPage[ConceptsView], text: str | None, run: bool) -> None:
    """Show what the search box or the Run button asks for. Raises VitrineError where that cannot be."""
    from engine.concepts.words import check_text, reader_of

    if text is None and not run:
        return
    shown = page.shown()
    fields: dict[str, Any] = setup.chosen(page)
    if text is not None:
        fields |= {"text": check_text(text), "show": shown.show if shown and shown.show == "draw" else "search"}
    elif shown is None:
        fields["show"] = "browse" if setup.readers() else "purity"
    # What is looked at stays; what the setup and the box say takes its place.
    kept = shown.model_dump(exclude={*setup.KEPT}) if shown else {}
    asked = ConceptsView(**{**kept, **fields})
    if asked.show not in WITHOUT_READER:
        reader_of(asked.reader)
    for request in page.requests(asked):
        request.key()
    st.session_state[page.key("show")], st.session_state[page.key("fresh")] = asked.show, True
    page.show(asked, compute=True)


def summary(view: ConceptsView) -> str:
    """A view in one line, for where the setup is closed."""
    if view.show in WITHOUT_READER:
        return view.data
    return f"CLIP {view.reader} · {view.data} · vocabulary {view.vocabulary} · {view.measure}"


def draw(page: ExperimentPage[ConceptsView], view: ConceptsView) -> None:
    """The section that is looked at; nothing of the others is computed or drawn."""
    section = DRAWN[view.show]
    for choose in section.choosing:
        choose(page, view)
    parts = requests.parts(view)
    if st.session_state.pop(page.key("fresh"), False):
        making.wait_briefly(page, parts)
    section.draw(page, view, page.results(parts, section.offer))
