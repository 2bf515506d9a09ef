"""Drawing the gallery: a row for each network, its layers from left to right; each picture opens its unit. Knows no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from cache.blob import Blob
from engine.core import config
from engine.core.address import Address
from engine.core.choices import DEFAULT_DATA, DEFAULT_RECIPE
from engine.core.images import to_png
from engine.core.shares import times
from pages.common import colours, errors, overlay, serve, style, words
from pages.common.experiments.places import HOME, SCRIPTS
from pages.sections.home import gallery
from pages.sections.home.gallery import Exhibit

if TYPE_CHECKING:
    from engine.figures.layout import Row
    from pages.common.charts.files import Files

SIDE = 224
"""Pixels of a picture's side, as it is sent; it is shown smaller."""
ABSENT = (
    "The pictures that come with Vitrine are not here: `starter/results` is missing, or the result store cannot be "
    "written or is too small. Open **Feature visualization** to make some."
)


def draw(exhibits: Sequence[Exhibit]) -> None:
    """A row for each of these networks whose pictures are there; one sentence where there are none of any."""
    there = {exhibit: layers for exhibit in exhibits if (layers := stored(exhibit))}
    if gallery.EXHIBITS[0] in exhibits and not any(map(stored, gallery.EXHIBITS)):
        errors.hint(ABSENT, "image")
    for exhibit, layers in there.items():
        st.markdown(f"**:{colours.NAMES[exhibit.side]}[{exhibit.model}]** :small[{exhibit.about}]")
        for column, units in zip(st.columns(len(layers), gap="small"), layers, strict=True):
            with column, st.container(gap="xsmall"):
                _layer(exhibit, units)
    if gallery.EXHIBITS[-1] in exhibits and any(map(stored, gallery.EXHIBITS)):  # once, below all rows
        st.caption(gallery.CHOSEN)


def ready() -> None:
    """Read and encode everything that hangs here, so that the first look waits for nothing."""
    for _, address in hung():
        png(gallery.shipped().places[str(address)])


def figure() -> None:
    """A button for all that hangs here as one figure."""
    from pages.common.charts import figure as charts

    if hung():
        charts.pictures("exhibition", _files)


def _files() -> Files:
    from engine.figures.cards import caption, numbers
    from pages.common.charts.files import Files, Pictures, Source

    serve.ready()  # what the pictures were made with, the engine knows
    keys = [gallery.shipped().places[str(address)] for _, address in hung()]
    source = Source(Path(HOME).stem, {}, tuple(keys))
    title, says = "Units from the first layers to the last", f"{caption(source.results())} {gallery.CHOSEN}"
    return Files(Pictures(title, _printed, 8, caption=says), lambda: numbers(source.results()), source)


def _printed() -> list[Row]:
    """A row for each network, as in print."""
    from engine.figures.layout import Card, Row

    rows = []
    for exhibit, layers in ((each, stored(each)) for each in gallery.EXHIBITS):
        cards = [
            Card(_blob(key).arrays["images"][0], (words.depth(at.site), f"unit {at.units[0]}{_ratio(_row(key))}"))
            for units in layers
            for at, key in units
        ]
        if cards:
            rows.append(Row(f"{exhibit.model}: {exhibit.about}", tuple(cards), colours.in_print(exhibit.side)))
    return rows


def hung() -> list[tuple[Exhibit, Address]]:
    """Every unit whose picture hangs here."""
    return [(each, address) for each in gallery.EXHIBITS for units in stored(each) for address, _ in units]


def of_model(model: str, most: int) -> list[tuple[Address, bytes]]:
    """Pictures of a network's units that come with Vitrine, each with its address: from the last layers, in order."""
    shown = [
        (address, png(key))
        for written, key in gallery.shipped().places.items()
        if (address := Address.parse(written)).model == model and _facts(key) is not None
    ]
    return shown[-most:]


def stored(exhibit: Exhibit) -> list[list[tuple[Address, str]]]:
    """The units whose pictures are in the store, layer by layer, each with the key of its result."""
    places = gallery.shipped().places
    layers = [
        [(unit, key) for unit in units if (key := places.get(str(unit), "")) and _facts(key) is not None]
        for units in exhibit.addresses
    ]
    return [layer for layer in layers if layer]


def _layer(exhibit: Exhibit, units: Sequence[tuple[Address, str]]) -> None:
    """The pictures of a layer, each with a link below it that reaches over the picture: a click on either opens the unit."""
    site = units[0][0].site
    with st.grid(len(units), min_column_width=70, gap="xsmall"):
        for address, key in units:
            unit = address.units[0]
            with st.container(gap=None, key=f"{style.CARD}-{exhibit.model}-{site}-{unit}"):
                st.image(
                    png(key),
                    width="stretch",
                    output_format="PNG",
                    alt=described(exhibit.model, address),
                )
                st.page_link(
                    SCRIPTS["visualize"],
                    label=f":small[{unit}{_ratio(_facts(key) or {})}]",
                    query_params=asked(exhibit, address),
                    width="stretch",
                )
    st.caption(words.depth(site), text_alignment="center")


def described(model: str, address: Address) -> str:
    """A picture in words."""
    return f"Picture of unit {address.units[0]} of {model}, {words.depth(address.site)}"


def asked(exhibit: Exhibit, address: Address) -> dict[str, str]:
    """The query parameters of one unit's page: what the page itself writes, without the engine that it needs."""
    data = {"data": exhibit.data} if exhibit.data != DEFAULT_DATA else {}
    return {"a": str(address), "recipe": DEFAULT_RECIPE, "seed": "0", **data}


def _ratio(facts: dict[str, Any]) -> str:
    told = times(*(float(facts.get(name, math.nan)) for name in ("ratio_to_best_scene", "ratio_low")))
    return f" · {told}" if told else ""


class _Missing(Exception):
    """Raised so that an absent result is not remembered."""


def _facts(key: str) -> dict[str, Any] | None:
    """The numbers of the one picture of a result; None where it is not there."""
    try:
        return _row(key)
    except _Missing:
        return None


@st.cache_resource(max_entries=256, show_spinner=False)
def _row(key: str) -> dict[str, Any]:
    rows: list[Any] = _blob(key).tables["units"].to_dict("records")
    return rows[0]


@st.cache_resource(max_entries=256, show_spinner=False)
def png(key: str) -> bytes:
    return to_png(overlay.enlarged(_blob(key).arrays["images"][0], SIDE))


@st.cache_resource(max_entries=128, show_spinner=False)
def _blob(key: str) -> Blob:
    blob = config.store().get(key)
    if blob is None or "units" not in blob.tables or blob.tables["units"].empty:
        raise _Missing
    return blob
