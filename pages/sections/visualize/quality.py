"""The quality of a picture in a few words, each with its meaning on hover."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.common import results, words

if TYPE_CHECKING:
    from engine.core.request import Result

VARIANT_WIDTH = 96
STABLE = (
    "How much the picture depends on the seed: correlation, over the layer's units, between the activations caused by two "
    "seeds' pictures, averaged over pairs. 1 means identical for this layer; the value for pictures of different units is "
    "in parentheses."
)
RECOGNISED = (
    "How many of the other models with the same classes have this class among their top five for the picture. A picture "
    "that only its own model recognises may be adversarial rather than informative."
)


def draw(result: Result, facts: dict[str, Any]) -> None:
    """Lines for what is known of this picture; nothing for results of before these were measured."""
    if math.isfinite(stable := float(facts.get("stability", math.nan))):
        other = float(result.facts.get("stability_between_units", math.nan))
        beside = f" (other units {words.number(other)})" if math.isfinite(other) else ""
        spread = words.share(float(facts["seed_spread"]))
        st.caption(f"stability over seeds **{words.number(stable)}**{beside}, activation ± {spread}", help=STABLE)
    judges = result.facts.get("judges") or []
    if judges and math.isfinite(recognised := float(facts.get("recognised", math.nan))):
        st.caption(
            f"recognised by **{round(recognised * len(judges))} of {len(judges)}** other models", help=RECOGNISED
        )


def variants(key: str, result: Result, place: int) -> None:
    """The different pictures of one unit in a row."""
    table = result.tables["variants"]
    several = result.arrays["variants"].shape[1]
    mine = table.iloc[place * several : (place + 1) * several].to_dict("records")
    st.caption("Pictures optimized to differ: activation, and similarity to the others", help=STABLE)
    with st.container(horizontal=True, gap="xsmall"):
        for number, facts in enumerate(mine):
            st.image(
                results.variant(key, place, number, VARIANT_WIDTH),
                caption=f":small[{words.number(facts['activation'])} · {words.number(facts['likeness'])}]",
                width=VARIANT_WIDTH,
                output_format="PNG",
                alt=f"Different picture {number + 1} of {several}",
            )
