"""What only some want of a picture: begin with an image, importance map, different pictures, several seeds."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.common import pickers
from pages.common.permalink import MOST
from pages.common.view import View


def popover(view: View) -> View:
    """The widgets; gives the view with what they say."""
    with st.popover("More", icon=":material/add_circle:"):
        start = st.text_input(
            "Begin with an image",
            key="fv_start",
            placeholder="noise",
            help="The number of a scene, or `up-…` of an image given under **Files**. Then the picture is that image, changed "
            "until the unit responds (accentuation).",
            **pickers.KEEP,
        )
        importance = st.toggle(
            "Importance map",
            key="fv_importance",
            help="Where in the picture the gradient of its objective is: which pixels the unit's response hangs on.",
            **pickers.KEEP,
        )
        several = pickers.number("Different pictures of each unit", "fv_several", View.several, MOST, 1)
        st.caption("Made together and held apart, so that a unit that looks for two things can show both.")
        seeds = pickers.number("Seeds to compare", "fv_seeds", View.seeds, MOST, 1)
        st.caption("Says whether the picture is the unit's or the random numbers'. Costs a picture each.")
    return replace(view, start=(start or "").strip(), importance=importance, several=several, seeds=seeds)
