"""Colours that mean the same thing everywhere: one for each model, quiet ones for all else, and those of verdicts."""

from __future__ import annotations

from typing import Literal

import streamlit as st
from streamlit import runtime

from engine.figures import chart

Side = Literal["a", "b"]
PLACES: dict[Side, int] = {"a": 0, "b": 1}
"""A side's place among the models, which is its colour in a described chart."""
NAMES: dict[Side, Literal["blue", "orange"]] = {"a": "blue", "b": "orange"}
Badge = tuple[str, Literal["green", "yellow", "red", "gray"]]
"""An icon and a colour."""
VERDICTS: dict[str, Badge] = {
    "holds": (":material/check_circle:", "green"),
    "holds in part": (":material/contrast:", "yellow"),
    "does not hold": (":material/cancel:", "red"),
    "cannot be told here": (":material/help:", "gray"),
}
PENDING: Badge = (":material/hourglass_empty:", "gray")
"""Of a claim that has no verdict yet."""
_HEX = {
    "light": {
        "a": "#2f6fdb",
        "b": "#d9730d",
        "quiet": "#8b929b",
        "line": "#d9d5cb",
        "text": "#23262b",
        "page": "#ffffff",
        "place": "#f0ede6",
    },
    "dark": {
        "a": "#6ea3f7",
        "b": "#f0a04b",
        "quiet": "#8b929b",
        "line": "#3d4249",
        "text": "#e7e5e0",
        "page": "#17191c",
        "place": "#24272c",
    },
}


def theme() -> Literal["light", "dark"]:
    """The theme the browser shows now (light until it has told, and where charts are drawn for no browser)."""
    return "dark" if runtime.exists() and st.context.theme.type == "dark" else "light"


def of(name: str) -> str:
    """The hex colour of "a", "b", "quiet", "line", "text", "page" (behind all) or "place" (of a picture to come), as the theme
    is now."""
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
    "light": chart.MODELS,
    "dark": ("#6ea3f7", "#f0a04b", "#5fc48a", "#b592ee", "#f07b72", "#e0c04a", "#a3aab5", "#4cc3d1"),
}


def model(number: int, alpha: float = 1.0) -> str:
    """The colour of a comparison's model by its place, 0 to 7; see-through below alpha 1."""
    chosen = _MODEL_HEX[theme()][number % len(MODELS)]
    if alpha == 1:
        return chosen
    red, green, blue = (int(chosen[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"
