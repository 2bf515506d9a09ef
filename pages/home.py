"""Home: what Vitrine is, a gallery of what two small networks look for, and where to go next."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, serve
from pages.common.experiments.places import MODELS, SCRIPTS
from pages.sections.home import exhibition, gallery, interrupted, opening

st.title("Vitrine", anchor=False)
st.markdown(
    "Vitrine shows what vision models learn. Pick a unit of a vision transformer or a convolutional network, and see a "
    "picture optimized to activate it beside the real images that activate it most. Every picture has a quantitative score, "
    "and every result a permanent link."
)
with st.grid(2, min_column_width=320):
    for page, icon, text in (
        (
            SCRIPTS["visualize"],
            "visibility",
            "What do units respond to, and where in the image? Two models side by side.",
        ),
        (
            SCRIPTS["spatial"],
            "grid_on",
            "How long is position preserved through the layers, and what does the last layer do to it?",
        ),
        (
            SCRIPTS["reliance"],
            "texture",
            "How much do models rely on the background, and on texture?",
        ),
        (
            SCRIPTS["concepts"],
            "translate",
            "Which words describe a unit, which units respond to a text, and what exceeds chance?",
        ),
        (MODELS, "deployed_code", "Which models are available, and how do I add my own?"),
    ):
        with st.container(border=True, gap="xsmall", height="stretch"):
            st.page_link(page, icon=f":material/{icon}:")
            st.caption(text)

unfinished = st.container()

st.header("From edges to objects", anchor=False)
st.caption(
    "Each row is one layer, from the input (top) to the output (bottom); each picture was optimized from noise to activate "
    "one unit of that layer. Below it: the unit, and the ratio of its activation on the picture to that on its strongest "
    "scene."
)
serve.ready()
with unfinished, errors.shown():
    interrupted.draw()
with errors.shown():
    exhibition.draw(gallery.EXHIBITS, by_itself=True)
st.header("Real networks", anchor=False)
with errors.shown():
    exhibition.draw(gallery.REAL, by_itself=False)
with st.expander("Open a saved figure", icon=":material/photo_size_select_large:"):
    opening.draw()
