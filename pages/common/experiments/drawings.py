"""What the result of an experiment looks like on its own: by a function that somebody wrote for it, else tables and images.

A drawing takes the result and what the keys of its widgets begin with. A plugin's are imported when pages start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd
import streamlit as st

from engine.core.experiments import import_plugins
from pages.common import errors, words

if TYPE_CHECKING:
    from engine.core.request import Result

Drawing = TypeVar("Drawing", bound="Callable[[Result, str], None]")
DRAWINGS: dict[str, Callable[[Result, str], None]] = {}
NAME = __name__[__name__.index("pages.") :]
"""How plugins name this module, whether Vitrine is installed (`vitrine.pages...`) or runs in its folder."""
MOST_IMAGES = 24
WIDTH = 128


def drawing(experiment: str) -> Callable[[Drawing], Drawing]:
    """Decorator of the function that draws the results of an experiment."""

    def mark(function: Drawing) -> Drawing:
        DRAWINGS[experiment] = function
        return function

    return mark


def load() -> None:
    """Import the drawings of plugins. Raises BadRequest where one cannot be imported."""
    import_plugins(NAME)


def draw(result: Result, key: str) -> None:
    """The result, as its experiment wants it drawn."""
    DRAWINGS.get(str(result.request.get("experiment")), usual)(result, key)


def usual(result: Result, key: str) -> None:
    """Every table, every stack of images, and what the other arrays hold."""
    for name, table in result.tables.items():
        st.header(errors.escape(name.replace("_", " ")), anchor=False)
        st.dataframe(table, hide_index=True, key=f"{key}_table_{name}")
    rest = []
    for name, array in result.arrays.items():
        if is_images(array):
            _images(name, array)
        else:
            rest.append({"array": name, "shape": " × ".join(map(str, array.shape)), **_range(array)})
    if rest:
        st.header("Arrays", anchor=False)
        st.dataframe(pd.DataFrame(rest), hide_index=True, key=f"{key}_arrays")
        st.caption("The ZIP file has them all.")
    facts = {name: value for name, value in result.facts.items() if isinstance(value, str | int | float | bool)}
    if facts:
        st.caption(errors.escape(" · ".join(f"{name} {_word(value)}" for name, value in facts.items())))


def is_images(array: np.ndarray) -> bool:
    """Whether an array is a stack of pictures: uint8 (n, height, width, 3)."""
    return array.dtype == np.uint8 and array.ndim == 4 and array.shape[-1] == 3


def _images(name: str, array: np.ndarray) -> None:
    from engine.core.images import to_png

    st.header(errors.escape(name.replace("_", " ")), anchor=False)
    with st.container(horizontal=True, gap="small"):
        for number, image in enumerate(array[:MOST_IMAGES]):
            st.image(to_png(image), width=WIDTH, caption=str(number), output_format="PNG", alt=f"{name} {number}")
    if len(array) > MOST_IMAGES:
        st.caption(f"{MOST_IMAGES} of {len(array)}.")


def _range(array: np.ndarray) -> dict[str, str]:
    """The least and the greatest of an array of numbers."""
    if not array.size or array.dtype.kind not in "iufb":
        return {"from": "", "to": ""}
    values = array.astype(float)
    if np.isnan(values).all():
        return {"from": "", "to": ""}
    return {"from": words.number(float(np.nanmin(values))), "to": words.number(float(np.nanmax(values)))}


def _word(value: object) -> str:
    return words.number(value) if isinstance(value, float) else str(value)
