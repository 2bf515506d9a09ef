"""Below the pictures: what was found, what one can do, and what is one's own."""

from __future__ import annotations

import random

import streamlit as st

from engine.core.choices import DEFAULT_MODELS, DEFAULT_READER
from pages.common.colours import PENDING, VERDICTS
from pages.common.experiments.places import CLAIMS, MODELS, SCRIPTS
from pages.common.style import WRAPS
from pages.sections.home import exhibition, gallery

STARTER = {"a": DEFAULT_MODELS[0], "b": DEFAULT_MODELS[1], "clip": DEFAULT_READER}
"""The models whose verdicts come with Vitrine, as a link to the claims names them."""
INSTRUMENTS = (
    (SCRIPTS["visualize"], "visibility", "What does a unit respond to, and where in the image?"),
    (SCRIPTS["spatial"], "grid_on", "How long does position last, and what does the last layer do to it?"),
    (SCRIPTS["reliance"], "texture", "How much does a model lean on background and fine texture?"),
    (SCRIPTS["concepts"], "translate", "Which words name a unit, and which units follow a text?"),
)


def draw() -> None:
    """Three columns, which stand below each other where there is little room."""
    with st.grid(3, min_column_width=260, gap="large"):
        with st.container():
            _claims()
        with st.container():
            st.header("Four instruments", anchor=False)
            for page, icon, text in INSTRUMENTS:
                _entrance(page, icon, text)
        with st.container():
            _own()


def _own() -> None:
    st.header("Yours", anchor=False)
    _entrance(MODELS, "deployed_code", "Which models are here, and how do I add my own?")
    st.caption("Your own images: name their folder in `vitrine.toml`, under `data_folders`.")


def surprise() -> None:
    """A button that opens one of the pictures above."""
    hung = exhibition.hung()
    if hung and st.button("Surprise me", icon=":material/casino:", help="Opens one of the pictures above."):
        st.switch_page(SCRIPTS["visualize"], query_params=exhibition.asked(*random.choice(hung)))


def _claims() -> None:
    """The paper's claims with their verdicts of the starter pair, as they come with Vitrine; each opens its own."""
    st.header("What the paper found, here", anchor=False)
    if verdicts := gallery.shipped().verdicts:
        st.caption("Checked on the two starter networks:")
        with st.container(gap="xxsmall", key=f"{WRAPS}-claims"):
            for name, title, verdict in verdicts:
                icon = VERDICTS.get(verdict, PENDING)[0]
                st.page_link(
                    CLAIMS, label=f"{title}: **{verdict}**", icon=icon, query_params={**STARTER, "claim": name}
                )
    else:
        st.page_link(CLAIMS, icon=":material/fact_check:")


def _entrance(page: str, icon: str, text: str) -> None:
    with st.container(gap=None):
        st.page_link(page, icon=f":material/{icon}:")
        st.caption(text)
