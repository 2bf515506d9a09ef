"""Concepts: which words name a unit, which units follow a text, and what of that is more than chance."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, serve
from pages.common.experiment_page import flat_page
from pages.sections.concepts import making, search, sections, setup
from pages.sections.concepts.requests import parts, requests
from pages.sections.concepts.view import SECTIONS, ConceptsView

page = flat_page("cn", ConceptsView, requests, nothing="It names no model. Write ?a=starter-clip&text=music.")

st.title("Concepts", anchor=False)
serve.ready()
page.notice(page.follow_link())
page.settle()
view = page.shown()
if view is None:
    st.caption(
        "Which words name what a unit responds to, and which units follow a text? A language-supervised model reads the "
        "words and looks at the images; the units can be any model's. What is no better than chance is left without a name."
    )
text = search.box(page)
choosing = page.choosing("Models, reader, images and vocabulary")
run = False
if choosing.open:
    with choosing:
        run = setup.draw(page)
with errors.shown():
    sections.ask(page, text, run)
if view is None:
    if not setup.readers():
        errors.hint(
            "No model that reads words is on this machine, so nothing can be searched or named yet. Choose a CLIP from the "
            "hub under **Words are read by**, like open_clip/ViT-B-16/openai, or add your own to models.toml. How purely "
            "units follow known concepts needs none: press **Run**.",
            "menu_book",
        )
    errors.hint(
        "Search for a word, or press **Run** to browse a layer with the words of all its units. The first time, the models "
        "look at all images, which takes about a minute on two cores; after that a search takes a second."
    )
else:
    with errors.shown():
        section = st.segmented_control(
            "Section",
            list(SECTIONS),
            key=page.key("show"),
            format_func=SECTIONS.__getitem__,
            required=True,
            label_visibility="collapsed",
        )
        if section and section != view.show:
            page.turn(view := view.model_copy(update={"show": section}))
        page.bar(errors.escape(sections.summary(view)), parts(view))
        making.panel(page)
        sections.draw(page, view)
st.caption(
    ":material/info: Units of models that learned from the open web may stand for sensitive or offensive things, and the "
    "words are a model's guesses, not facts about who or what is shown."
)
