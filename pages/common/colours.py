"""Colours that mean the same thing everywhere: one for each model's side, one for the picture, one for scenes."""

from __future__ import annotations

from typing import Literal

import streamlit as st
from streamlit import runtime

Side = Literal["a", "b"]
NAMES: dict[Side, Literal["blue", "orange"]] = {"a": "blue", "b": "orange"}
_HEX = {
    "light": {
        "a": "#2f6fdb",
        "b": "#d9730d",
        "quiet": "#8b929b",
        "line": "#d9d5cb",
        "text": "#23262b",
        "page": "#ffffff",
    },
    "dark": {
        "a": "#6ea3f7",
        "b": "#f0a04b",
        "quiet": "#8b929b",
        "line": "#3d4249",
        "text": "#e7e5e0",
        "page": "#17191c",
    },
}


def theme() -> Literal["light", "dark"]:
    """The theme the browser shows now (light until it has told, and where charts are drawn for no browser)."""
    return "dark" if runtime.exists() and st.context.theme.type == "dark" else "light"


def of(name: str) -> str:
    """The hex colour of "a", "b", "quiet", "line", "text" or "page" (what is behind all) in the current theme."""
    return _HEX[theme()][name]


def in_print(name: str) -> str:
    """The same colour on white paper, whatever theme is shown."""
    return _HEX["light"][name]


def tint(name: str, alpha: float) -> str:
    """The same colour, see-through: 0 is nothing, 1 the full colour."""
    red, green, blue = (int(of(name)[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


MODELS: tuple[Literal["blue", "orange", "green", "violet", "red", "yellow", "gray", "primary"], ...] = (
    *("blue", "orange", "green", "violet", "red", "yellow", "gray", "primary"),
)
"""One colour for each of up to eight models, in order, under the names that Streamlit's Markdown knows."""
_MODEL_HEX = {
    "light": ("#2f6fdb", "#d9730d", "#2e8b57", "#8250c4", "#c8372d", "#a07c00", "#6b7280", "#0f7c8a"),
    "dark": ("#6ea3f7", "#f0a04b", "#5fc48a", "#b592ee", "#f07b72", "#e0c04a", "#a3aab5", "#4cc3d1"),
}


def model(number: int, alpha: float = 1.0) -> str:
    """The colour of a comparison's model by its place, 0 to 7; see-through below alpha 1."""
    chosen = _MODEL_HEX[theme()][number % len(MODELS)]
    if alpha == 1:
        return chosen
    red, green, blue = (int(chosen[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"
