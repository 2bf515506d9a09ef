"""Concepts: which words name a unit, which units follow a text, and what of that is more than chance."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, serve
from pages.common.experiment_page import flat_page
from pages.common.experiments import single
from pages.sections.concepts import making, search, sections, setup
from pages.sections.concepts.requests import parts, requests
from pages.sections.concepts.view import EXPERIMENTS, SECTIONS, ConceptsView

PAGE = flat_page("cn", ConceptsView, requests, nothing="The link names no model. Write ?a=starter-clip&text=music.")

ABOUT = (
    "Which words describe what a unit responds to, and which units respond to a text? A CLIP rates how well words fit "
    "images; the units can be those of any model. Units whose best word does not exceed chance get no label."
)
WITHOUT_CLIP = (
    "There is no CLIP on this machine, so units cannot be searched or labelled yet. Choose one from the hub under "
    "**CLIP for text**, like open_clip/ViT-B-16/openai, or add your own to models.toml. Purity does not need one: "
    "press **Run**."
)
CARE = (
    ":material/info: Units of models trained on web data may represent sensitive or offensive content, and the labels are a "
    "model's estimates, not facts about who or what is shown."
)


def show() -> None:
    """The page itself."""
    st.title("Concepts", anchor=False)
    serve.ready()
    PAGE.notice(PAGE.follow_link())
    PAGE.settle()
    view = PAGE.shown()
    if view is None:
        st.caption(ABOUT)
    text = search.box(PAGE)
    choosing = PAGE.choosing("Models, CLIP for text, images and vocabulary")
    run = False
    if choosing.open:
        with choosing:
            run = setup.draw(PAGE)
    with errors.shown():
        sections.ask(PAGE, text, run)
    if view is None:
        _invite()
    else:
        with errors.shown():
            _section(view)
    st.caption(CARE)


def _invite() -> None:
    """What can be done here, where nothing is shown yet."""
    if not setup.readers():
        errors.hint(WITHOUT_CLIP, "menu_book")
    errors.hint(
        "Search for a word, or press **Run** to browse a layer with labels for all its units. The first time, all images "
        "are run through the models, which takes a minute or two on two cores; after that, a search takes a second."
    )


def _section(view: ConceptsView) -> None:
    """The sections to choose from, and the one that is looked at."""
    section = st.segmented_control(
        "Section",
        list(SECTIONS),
        key=PAGE.key("show"),
        format_func=SECTIONS.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    if section and section != view.show:
        PAGE.turn(view := view.model_copy(update={"show": section}))
    PAGE.bar(errors.escape(sections.summary(view)), parts(view))
    making.panel(PAGE)
    sections.draw(PAGE, view)


single.page("concepts", show, EXPERIMENTS)
