"""Notes of others, as Markdown that does no harm: no HTML, no images from elsewhere, no links but http, https and mail.

Streamlit itself shows HTML as text and drops links of other schemes; images are what is left to take out.
"""

from __future__ import annotations

import re

import streamlit as st

# The whole run of them: of two, the one that is left would begin an image as well.
_IMAGE = re.compile(r"!+(?=\[)")


def harmless(text: str) -> str:
    """The note with each image turned into a link to it. A reader's browser would ask for an image unasked, in their name."""
    return _IMAGE.sub("", text)


def draw(text: str) -> None:
    """The note, if there is one."""
    if text:
        st.markdown(harmless(text))
