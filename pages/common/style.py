"""What every page looks like beyond the theme: where the keyboard is, and what it need not stop at."""

from __future__ import annotations

import streamlit as st

from pages.common import colours

THUMBS = "thumbs"
"""Begins the keys of containers of small pictures. Their full screen would be a stop of the keyboard for each."""
CARD = "whole"
"""Begins the keys of containers that one link, below a picture, reaches over: a click anywhere on them follows it."""
WRAPS = "wraps"
"""Begins the keys of containers whose links may take several lines."""
UNSEEN = "unseen"
"""Begins the keys of containers whose words are for whoever has the page read out."""
FOCUS = "#38816d"
"""At least 3:1 against every ground of both themes, also behind what is drawn outside the app's own element."""

_TITLE = "[data-testid=stHeading] h1 {padding-top: 0;}"  # the bar of pages stands right above
# Streamlit shows by a faint ground alone that the keyboard is at a link or at a tool of a picture.
_FOCUS = f"""
:is(a, button, summary, canvas, [role=button], [role=radio], [role=tab]):focus-visible, label:has(input:focus-visible)
{{outline: 3px solid {FOCUS} !important; outline-offset: 1px;}}
"""
_TOOLS = (
    f"[class*=st-key-{THUMBS}-] [data-testid=stElementToolbar], [class*=st-key-growing-] [data-testid=stElementToolbar]"
)
_CARDS = f"""
[class*=st-key-{CARD}-] {{position: relative;}}
[class*=st-key-{CARD}-] [data-testid=stElementToolbar] {{display: none;}}
[class*=st-key-{CARD}-] a {{position: static; justify-content: center; padding: 0 0.25rem;}}
[class*=st-key-{CARD}-] a::after {{content: ""; position: absolute; inset: 0;}}
[class*=st-key-{CARD}-]:hover img {{filter: brightness(1.08);}}
"""
_WRAPS = f"[class*=st-key-{WRAPS}-] a, [class*=st-key-{WRAPS}-] a * {{white-space: normal; overflow: visible;}}"
_UNSEEN = f"[class*=st-key-{UNSEEN}-] {{position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);}}"
# What is chosen has its edge and its ground in the theme's first colour; that colour as text would be too dark on dark; so would
# the value above a slider.
_CHOSEN = """
button[data-selected=true]:is([data-variant=segmented_control], [data-variant=pills])
{color: inherit !important; font-weight: 600;}
"""
_SLIDERS = "[data-testid=stSliderThumbValue], [data-testid=stSliderThumbValue] * {color: inherit !important;}"
# Under a pointer and while it is open a button's text takes the theme's first colour, which is too dark on dark.
_KINDS = ("stPopoverButton", "stBaseButton-tertiary", "stBaseButton-secondary")
_BUTTONS = f":is({', '.join(f'[data-testid={kind}]' for kind in _KINDS)}):not(:disabled) p"
# A finger needs 24 pixels. The field of a list of several has a few beside what is chosen, a button with an icon alone 20.
_FINGERS = "[data-testid=stMultiSelect] input, [data-testid=stBaseButton-tertiary] {min-width: 24px; min-height: 24px;}"


def draw() -> None:
    """Once a page run, before the page."""
    buttons = f"{_BUTTONS} {{color: {colours.of('text')} !important;}}"
    rules = (
        _TITLE,
        _FOCUS,
        f"{_TOOLS} {{display: none;}}",
        _CARDS,
        _CHOSEN,
        _SLIDERS,
        buttons,
        _FINGERS,
        _WRAPS,
        _UNSEEN,
    )
    st.html(f"<style>{''.join(rules)}</style>")
