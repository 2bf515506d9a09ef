"""What every page looks like beyond the theme: where the keyboard is, and what it need not stop at."""

from __future__ import annotations

import streamlit as st

from pages.common import colours

THUMBS = "thumbs"
"""Begins the keys of containers of small pictures. They grow under a pointer, and a click fills the screen with them."""
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
# What fills the screen has a style of its own.
_FULL = "img[style*=object-fit]"
_FRAME = f"[class*=st-key-{THUMBS}-] [data-testid=stFullScreenFrame]"
_TOOL = "[data-testid=stElementToolbar]"
# The button that fills the screen would be a stop of the keyboard for each small picture: it is there under a pointer alone, or
# a finger, and then, unseen, all over the picture.
_TOOLS = f"""
[class*=st-key-growing-] {_TOOL}, {_FRAME}:not(:hover, :has({_FULL})) {_TOOL} {{display: none;}}
{_FRAME}:not(:has({_FULL})) {_TOOL} {{position: absolute; inset: 0; opacity: 0; z-index: 1001;}}
{_FRAME}:not(:has({_FULL})) {_TOOL} :is(div, span, button)
{{width: 100% !important; height: 100%; max-width: none; max-height: none; padding: 0; cursor: zoom-in;}}
"""
# The smaller, the more it grows; it lies above what stands around it and moves nothing. On a phone what is wide has no room to
# grow in. Those of concepts are sent larger than they grow.
_SMALL = f"{_FRAME}:hover img:not([style*=object-fit])"
_GROWS = f"""
{_FRAME}:not(:has({_FULL})) {{container-type: inline-size;}}
{_FRAME} img:not([style*=object-fit]) {{transition: transform .12s ease-out .2s; border-radius: 2px;}}
{_FRAME}:hover:not(:has({_FULL})) {{position: relative; z-index: 1000;}}
{_SMALL} {{transform: scale(2); box-shadow: 0 1px 6px rgba(0, 0, 0, .45); image-rendering: pixelated;}}
@container (max-width: 72px) {{{_SMALL} {{transform: scale(3.2);}}}}
@container (min-width: 140px) {{{_SMALL} {{transform: scale(1.6);}}}}
@media (max-width: 640px) {{@container (min-width: 140px) {{{_SMALL} {{transform: none;}}}}}}
[class*=st-key-{THUMBS}-] .stGridCell:first-child img {{transform-origin: left center;}}
[class*=st-key-{THUMBS}-] .stGridCell:last-child img {{transform-origin: right center;}}
[class*=st-key-{THUMBS}-concept-] {_SMALL.removeprefix(f"[class*=st-key-{THUMBS}-] ")} {{image-rendering: auto;}}
{_FRAME} {_FULL} {{image-rendering: pixelated;}}
"""
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
        _TOOLS,
        _GROWS,
        _CARDS,
        _CHOSEN,
        _SLIDERS,
        buttons,
        _FINGERS,
        _WRAPS,
        _UNSEEN,
    )
    st.html(f"<style>{''.join(rules)}</style>")
