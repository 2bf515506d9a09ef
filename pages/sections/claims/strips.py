"""Pictures of units through the depth of the models that claims are held against: those that came along, or were made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from engine.core.address import Address
from engine.core.errors import VitrineError
from pages.common import colours, errors, query, results, words
from pages.common.charts import figure
from pages.common.charts.files import Files, Pictures, Source
from pages.common.colours import Side
from pages.common.experiments.places import SCRIPTS
from pages.common.units.rows import rows
from pages.common.units.view import View

if TYPE_CHECKING:
    from engine.claims.subject import Subject

CLAIM = "depth"
"""The claim that they belong to: patterns first, objects later."""
MOST = 8
"""Pictures of a model."""
UNITS = (0, 1)
"""Those of each layer that are looked for where none came along."""
CHOSEN = " :small[units chosen by hand among the most selective whose pictures are above every control]"
"""What is said of those that came along."""
SIDE = 128
"""Pixels of a picture's side, as it is sent."""
Picture = tuple[Address, np.ndarray, str]
"""Of which unit, its pixels, and the key of its result."""


def draw(subject: Subject, places: Mapping[str, str], source: Source) -> None:
    """A strip for each model, from the image to the answer; where there is none, the way to make it. `places`: the stored keys of
    the pictures that came along, by their address; `source`: the page with what it shows."""
    strips: dict[Side, Sequence[Picture]] = {}
    for side, model in subject.sides.items():
        with errors.shown():
            view = whole_depth(model, subject.data)
            chosen = of_model(model, places)
            if found := chosen or made(view):
                _strip(model, found, CHOSEN if chosen else "")
                strips[side] = found
            st.page_link(
                SCRIPTS["visualize"],
                label=f"{'More units' if found else 'Make pictures of units'} of {errors.escape(model)}, layer by layer",
                icon=":material/arrow_forward:",
                query_params=query.write(view),
            )
    if strips:
        figure.pictures("claim-strips", lambda: _files(strips, source))


def _files(strips: Mapping[Side, Sequence[Picture]], source: Source) -> Files:
    """All strips as one figure."""
    from engine.figures.cards import caption, numbers
    from engine.figures.layout import Card, Row

    def card(address: Address, image: np.ndarray) -> Card:
        return Card(image, (words.depth(address.site), f"unit {address.units[0]}"))

    def rows() -> list[Row]:
        return [
            Row(each[0][0].model, tuple(card(address, image) for address, image, _ in each), colours.in_print(side))
            for side, each in strips.items()
        ]

    of = source.of(*dict.fromkeys(key for each in strips.values() for _, _, key in each))
    title, most = "Units from the first layers to the last", max(map(len, strips.values()))
    return Files(Pictures(title, rows, most, caption=caption(of.results())), lambda: numbers(of.results()), of)


def of_model(model: str, places: Mapping[str, str]) -> list[Picture]:
    """The pictures of a model that came along and are in the store."""
    mine = [(address, key) for text, key in places.items() if (address := Address.parse(text)).model == model][:MOST]
    return [
        (address, found.arrays["images"][0], key) for address, key in mine if (found := results.find(key)) is not None
    ]


def made(view: View) -> list[Picture]:
    """The pictures of a view that have been made, layer by layer."""
    found: list[Picture] = []
    for row in rows(view):
        if (result := results.find(row.key)) is not None:
            each = zip(row.address.units, result.arrays["images"], strict=False)
            found += [(Address(row.address.model, row.address.site, (unit,)), image, row.key) for unit, image in each]
    return found[:MOST]


def whole_depth(model: str, data: str) -> View:
    """A few units in every layer of a model's usual role. Raises VitrineError where it is not there."""
    from engine.evaluation.counterparts import usual
    from engine.models.catalog import sites_of

    layers = usual(sites_of(model).values())
    if not layers:
        raise VitrineError(f"{model} has no layers to make pictures of.")
    return View(a=Address(model, layers[-1].name, UNITS), data=data, view="depth")


def _strip(model: str, found: Sequence[Picture], note: str) -> None:
    st.markdown(f"**{errors.escape(model)}**, from the first layers to the last{note}")
    with st.grid(len(found), min_column_width=96, gap="xsmall"):
        for address, image, _ in found:
            told = f"{words.depth(address.site)}, unit {address.units[0]}"
            alt = f"Picture of unit {address.units[0]} of {model}, {address.site}"
            st.image(_png(image), caption=f":small[{told}]", width="stretch", output_format="PNG", alt=alt)


@st.cache_data(max_entries=256, show_spinner=False)
def _png(image: np.ndarray) -> bytes:
    from engine.core.images import to_png
    from pages.common import overlay

    return to_png(overlay.enlarged(image, SIDE))
