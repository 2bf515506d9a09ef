"""The sections of the page "Concepts": what is asked for, and the one that is looked at."""

from __future__ import annotations

from typing import Any

import streamlit as st

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

LAYERED = ("browse", "map", "read")
"""The sections that look at one layer."""
OFFERS = {
    "search": "This search was not made on this machine yet.",
    "browse": "The units of this layer are not named yet. Naming takes some seconds once the models have seen the images.",
    "map": "This layer is not mapped yet. It takes a few seconds once the models have seen the images.",
    "purity": "How purely units follow concepts is not measured yet. It takes up to a minute on two cores.",
    "abstract": "Not all layers are named yet. Each takes some seconds once the models have seen the images.",
    "draw": "This text is not drawn yet. A picture takes some ten seconds on two cores for a starter model.",
    "zero-shot": "These texts were not compared with this image yet.",
    "read": "These pictures are not made and read yet. Each takes some ten seconds on two cores for a starter model.",
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
    return f"read by {view.reader} · {view.data} · vocabulary {view.vocabulary} · {view.measure}"


def draw(page: ExperimentPage[ConceptsView], view: ConceptsView) -> None:
    """The section that is looked at; nothing of the others is computed or drawn."""
    if view.show in LAYERED:
        browse.layer(page, view)
    if view.show == "zero-shot":
        zero_shot.setup(page, view)
    if view.show == "read":
        read.setup(page, view)
    parts = requests.parts(view)
    if st.session_state.pop(page.key("fresh"), False):
        making.wait_briefly(page, parts)
    found = page.results(parts, OFFERS[view.show])
    if view.show == "search":
        search.draw(page, view, found)
    elif view.show == "browse":
        browse.draw(page, view, found)
    elif view.show == "map":
        map.draw(page, view, found)
    elif view.show == "purity":
        purity.draw(page, view, found)
    elif view.show == "abstract":
        abstract.draw(page, view, found)
    elif view.show == "draw":
        text_pictures.draw(page, view, found)
    elif view.show == "zero-shot":
        zero_shot.draw(view, found)
    else:
        read.draw(view, found)
