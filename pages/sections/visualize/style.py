"""What the wall of cards looks like beyond the theme: which side is which, and pixels that stay pixels."""

from __future__ import annotations

import streamlit as st

from pages.common import colours

FACTS = "unit-facts"
"""Begins the keys of what stands beside and below a unit's picture; its headings are as small as they are many."""


def draw() -> None:
    """Once a page run, before the wall."""
    st.html(f"<style>{_sides()}{_PIXELS}{_STATUS}{_FACTS}{_PHONE}</style>")


def _sides() -> str:
    """A thin line in the colour of its model above each side's controls."""
    return "".join(
        f".st-key-fv_side_{side} {{border-top: 3px solid {colours.of(side)}; padding-top: .35rem;}}"
        for side in colours.NAMES
    )


# A picture that is still loading has its height. One that grows is sent as small as it is, and in full screen all have a
# style of their own.
_PIXELS = """
[class*=st-key-card-] img:not([style*=object-fit]) {aspect-ratio: auto 1 / 1;}
[class*=st-key-card-] img[style*=object-fit], [class*=st-key-growing-] img {image-rendering: pixelated;}
"""
_FACTS = f"[class*=st-key-{FACTS}] h2 {{font-size: 1.1rem; padding: 0.2rem 0;}}"
_STATUS = """
.st-key-fv_status {min-height: 3.5rem; justify-content: center;}
[class*=st-key-said-] {min-height: 2.9rem;}
"""
# On a phone Run stands on the first screen: of model B the list of layers, which says the same, does without its picture.
_PHONE = """
@media (max-width: 640px) {
  [data-testid=stElementContainer].st-key-fv_b_picture {display: none;}
  .st-key-fv_side_b {padding-top: 0;}
  [data-testid=stElementContainer]:has(> [data-testid=stSpace]):has(+ .st-key-fv_run) {display: none;}
}
"""
