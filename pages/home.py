"""Home: what Vitrine is, a gallery of what two small networks look for, and where to go next."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, serve
from pages.sections.home import exhibition, gallery, interrupted

st.title("Vitrine", anchor=False)
st.markdown(
    "Vitrine shows what vision models learn. "
    "Pick a unit of a vision transformer or of a convolutional network, and see the picture that excites it most, beside "
    "the real images that do. "
    "Every picture comes with the number that backs it, and every result has a link that shows it again."
)
with st.grid(2, min_column_width=320):
    for page, icon, text in (
        (
            "pages/feature_visualization.py",
            "visibility",
            "What does a unit look for, and where? Two models side by side.",
        ),
        (
            "pages/spatial.py",
            "grid_on",
            "How long does position survive through the layers, and what does the last one do to it?",
        ),
        (
            "pages/background.py",
            "texture",
            "How much do models lean on the background, and on fine texture?",
        ),
        (
            "pages/concepts.py",
            "translate",
            "Which words name a unit, which units follow a text, and what of that is more than chance?",
        ),
        ("pages/models.py", "deployed_code", "Which models are here, and how do I add my own?"),
    ):
        with st.container(border=True, gap="xsmall"):
            st.page_link(page, icon=f":material/{icon}:")
            st.caption(text)

unfinished = st.container()

st.header("From edges to objects", anchor=False)
st.caption(
    "Each row is one layer, from the image (top) towards the answer (bottom); each picture was made from noise so that one "
    "unit of that layer responds as strongly as it can. Below it: the unit, and how much stronger it responds to "
    "the picture than to any scene of the data set."
)
serve.ready()
with unfinished, errors.shown():
    interrupted.draw()
with errors.shown():
    exhibition.draw(gallery.EXHIBITS, by_itself=True)
st.header("Real networks", anchor=False)
with errors.shown():
    exhibition.draw(gallery.REAL, by_itself=False)
