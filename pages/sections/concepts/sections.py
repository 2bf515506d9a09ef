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
    "search": "This search has not been run on this machine yet.",
    "browse": "The units of this layer have not been labelled yet. Labelling takes a few seconds once the images have been "
    "run through the models.",
    "map": "This layer has not been projected yet. It takes a few seconds once the images have been run through the models.",
    "purity": "Purity has not been measured yet. It takes up to a minute on two cores.",
    "abstract": "Some layers have not been labelled yet. Each takes a few seconds once the images have been run through the "
    "models.",
    "draw": "No picture has been computed for this text yet. It takes about ten seconds on two cores for a starter model.",
    "zero-shot": "These texts have not been compared with this image yet.",
    "read": "These pictures have not been computed and labelled yet. Each takes about ten seconds on two cores for a "
    "starter model.",
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
