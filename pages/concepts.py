"""Concepts: which words name a unit, which units follow a text, and what of that is more than chance."""

from __future__ import annotations

import streamlit as st

from engine.core.errors import BadRequest
from pages.common import errors
from pages.common.experiment_page import flat_page
from pages.common.experiments import single
from pages.sections.concepts import search, sections, setup
from pages.sections.concepts.requests import requests
from pages.sections.concepts.view import EXPERIMENTS, ConceptsView, example


def _example() -> ConceptsView:
    if not setup.readers():
        raise BadRequest("There is no CLIP on this machine.")
    return example()


NOTHING = "The link names no model. Write ?a=starter-clip&text=music."
PAGE = flat_page("cn", ConceptsView, requests, nothing=NOTHING, example=_example)

ABOUT = "Which units respond to what a text names? A CLIP rates how well texts fit images; the units can be those of any model."
WITHOUT_CLIP = (
    "There is no CLIP on this machine, so units cannot be searched or labelled yet. Choose one from the hub under "
    "**Advanced**, like open_clip/ViT-B-16/openai, or add your own to models.toml. Known concepts do not need one: "
    "press **Run**."
)
FIRST = (
    "The first search of models that nobody has searched yet runs all images through them: about a minute in all on two cores, "
    "whatever a single step says. After that it takes a second."
)
CARE = (
    ":material/info: Units of models trained on web data may represent sensitive or offensive content, and the labels are a "
    "model's estimates, not facts about who or what is shown."
)


def show() -> None:
    """The page itself."""
    view = PAGE.opening("Concepts", ABOUT, setup.draw)
    if not setup.readers():
        errors.hint(WITHOUT_CLIP, "menu_book")
    elif view is None:
        errors.hint(f"Enter a word above. {FIRST}")
    if view is not None:
        with errors.shown():
            if view.show == "search" and not search.quick(view):
                st.caption(FIRST)
            sections.draw(PAGE, view)
            sections.more(view)
    st.caption(CARE)


single.page("concepts", show, EXPERIMENTS)
