"""The units that fire most on the photo, layer by layer: where in it, how unusual that is, and what else excites them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from engine.core.address import Address
from engine.core.choices import PHOTOS, STARTER
from engine.core.request import Result
from pages.common import colours, errors, query, results, style, words
from pages.common.colours import Side
from pages.common.experiments.places import SCRIPTS
from pages.common.units import images
from pages.common.units.view import View
from pages.sections.photo import known, looks
from pages.sections.photo.view import PhotoView

UNITS = 4
"""Units of a layer that are shown."""
TILE = 68
"""The least width of a unit's column, in pixels."""
HEADING = "What fires, layer by layer"
ABOUT = (
    "Upper pictures: where in the photo the unit is active, bright where most, dim where least, each on its own scale. Lower "
    "pictures: what else excites it, first the picture made for it where there is one, then its strongest images."
)
ALL, LAYER = "All", "ph_layer"
FEW = 100
"""Images that are counted one by one rather than in percent."""
NOUNS = {STARTER: "scenes", PHOTOS: "photos"}


def heading(view: PhotoView, computed: Mapping[str, Result]) -> DeltaGenerator:
    """What the rows below show and what their units are compared with; a place for what can be added to it."""
    there = known.looked(view, computed)
    if there:
        st.header(HEADING, anchor=False)
        st.caption(ABOUT)
        models: dict[str, list[str]] = {}
        for side, photo in there.items():
            models.setdefault(_compared(view, side, photo), []).append(errors.escape(view.sides[side]))
        for told, named in models.items():
            st.markdown(f"{' and '.join(named)}: {told}")
    return st.container()


def draw(view: PhotoView, computed: Mapping[str, Result], awaited: Collection[str] = ()) -> list[int]:
    """A row for each layer, or for the one that is chosen, both models side by side, from the image to the answer; before any
    model has looked, the layers of those that are `awaited`, with empty tiles. Gives the numbers
    of the layers that are shown."""
    there = known.looked(view, computed)
    if not there and (sides := [side for side in view.sides if f"photo-{side}" in awaited]):
        _ahead(view, sides)
    for number in (chosen := _chosen(view, there)):
        for column, side in zip(st.columns(len(view.sides), gap="large"), view.sides, strict=True):
            if side in there and number < len(there[side].tables["layers"]):
                with column:
                    _layer(view, side, there[side], number)
    return chosen


def _ahead(view: PhotoView, sides: Sequence[Side]) -> None:
    """What will stand here."""
    from engine.evaluation.photo import through_depth
    from engine.models.catalog import sites_of

    st.header(HEADING, anchor=False)
    st.caption("Not looked at yet.")
    for column, side in zip(st.columns(len(sides), gap="large"), sides, strict=True):
        with column:
            for number, site in enumerate(through_depth(sites_of(view.sides[side]), view.layers)):
                st.markdown(_named(side, site.name, site.units))
                with st.container(key=f"{style.THUMBS}-ahead-{side}-{number}"), st.grid(UNITS, min_column_width=TILE):
                    for _ in range(UNITS):
                        st.container(border=True, height=TILE)


def _named(side: Side, site: str, units: int) -> str:
    return f"### {side.upper()} · :{colours.NAMES[side]}[{words.depth(site)}] :small[`{site}`, {units} units]"


def _chosen(view: PhotoView, there: Mapping[Side, Result]) -> list[int]:
    """The numbers of the layers that are shown."""
    if not there:
        return []
    side, photo = max(there.items(), key=lambda each: len(each[1].tables["layers"]))
    places = [words.depth(site) for site in known.sites(photo)]
    names = [ALL, *places]
    if st.session_state.get(LAYER) not in names:
        st.session_state[LAYER] = ALL
    label = f"Layers of {errors.escape(view.sides[side])}" + _left_out(view.sides[side], len(places))
    label += "; beside each the other model's at its depth" if len(there) > 1 else ""
    chosen = st.segmented_control(label, names, key=LAYER, required=True)
    return [*range(len(places))] if chosen not in places else [places.index(chosen)]


def _left_out(model: str, shown: int) -> str:
    """How many layers there are, where not all are shown, and where to ask for more."""
    from engine.evaluation.photo import all_layers
    from engine.models.catalog import sites_of

    total = len(all_layers(sites_of(model)))
    return f", {shown} of {total} (more under Advanced)" if total > shown else ""


def _compared(view: PhotoView, side: Side, photo: Result) -> str:
    """How the units of a model were chosen, in words, without its name."""
    index = known.index_of(view.sides[side], known.sites(photo)[-1], view.data)
    read = results.find(index[0]) if index else None
    if index is None or read is None:
        return "the highest activations of each layer. How high they are on other images is not known yet."
    of = "" if index[1] in NOUNS else f" of “{errors.escape(index[1])}”"
    count = f"{int(read.facts['images']):,} {noun(index[1])}{of}"
    return f"the units that are furthest above what they do on {count}, in standard deviations."


def _layer(view: PhotoView, side: Side, photo: Result, number: int) -> None:
    model, row = view.sides[side], photo.tables["layers"].iloc[number]
    site = str(row["site"])
    index = known.index_of(model, site, view.data)
    table = known.strongest(photo.key, number, index[0] if index else None, UNITS)
    st.markdown(_named(side, site, row["units"]))
    pictures = known.pictures(model, site, table["unit"].tolist())
    with st.container(key=f"{style.THUMBS}-{side}-{number}"), st.grid(UNITS, min_column_width=TILE, gap="xsmall"):
        for facts, picture in zip(table.to_dict("records"), pictures, strict=True):
            with st.container(gap="xxsmall"):
                _unit(view, side, photo, number, facts, picture, index)


def _unit(
    view: PhotoView,
    side: Side,
    photo: Result,
    number: int,
    facts: Mapping,
    picture: str | None,
    index: tuple[str, str] | None,
) -> None:
    """A unit: its number, which opens it, where it is active, how unusual that is, and what else excites it."""
    model, site, unit = view.sides[side], known.sites(photo)[number], int(facts["unit"])
    st.page_link(SCRIPTS["visualize"], label=f"Unit {unit}", query_params=link(model, site, unit, index))
    read = results.find(index[0]) if index else None
    told = "" if read is None or index is None else unusual(facts["above"], int(read.facts["images"]))
    beside = f"; {told} {noun(index[1])}" if told and index else ""
    st.image(
        looks.where(photo.key, number, unit, view.image, view.data),
        caption=f":small[{told}]" if told else None,
        width="stretch",
        output_format="PNG",
        alt=f"Where unit {unit} of {model}, {site}, is active in the photo{beside}",
    )
    ranks: list[int] = []
    if index is not None and read is not None:
        ranks = images.ranks(read.arrays["top_mean"][unit], index[1], looks.EVIDENCE)
    if picture is None and not ranks:
        return
    height, width = photo.facts["input"]
    data = index[1] if index else view.data
    st.image(
        looks.evidence(picture, index[0] if index else "", unit, ranks, data, (height, width)),
        width="stretch",
        output_format="PNG",
        alt=_alt(unit, picture, index, ranks),
    )


def _alt(unit: int, picture: str | None, index: tuple[str, str] | None, ranks: list[int]) -> str:
    """What stands two by two, in words."""
    said = [f"The picture made for unit {unit}"] if picture else []
    read = results.find(index[0]) if index else None
    if index is not None and read is not None and ranks:
        opened, numbers = results.dataset(index[1]), read.arrays["top_mean"][unit]
        shown = ranks[: looks.EVIDENCE - len(said)]
        named = ", ".join(words.scene(opened.describe(int(numbers[rank]))) for rank in shown)
        said.append(f"strongest images of unit {unit}: {named}")
    return "; ".join(said)


def unusual(above: float, images: int) -> str:
    """How unusual a unit's activation is: above what it does on how many of the images."""
    if not math.isfinite(above):
        return ""
    below = round(above * images / 100)
    if below == images:
        return f"above all {images:,}"
    if images < FEW:
        return f"above {below} of {images}"
    share = min(above, 99.9)  # what is not above all of them is not above 100%
    return f"above {share:.1f}%" if share > 99 else f"above {share:.0f}%"


def noun(data: str) -> str:
    """What the images of a data set are called."""
    return NOUNS.get(data, "images")


def link(model: str, site: str, unit: int, index: tuple[str, str] | None) -> dict[str, str]:
    """The query parameters that show a unit on the page of its picture."""
    address = Address(model, site, (unit,))
    return query.write(View(a=address, data=index[1]) if index else View(a=address))


def top_units(photo: Result, view: PhotoView, side: Side) -> pd.Series:
    """The unit that fires most in each layer, by the layer's site."""
    found = {}
    for number, site in enumerate(known.sites(photo)):
        index = known.index_of(view.sides[side], site, view.data)
        found[site] = int(known.strongest(photo.key, number, index[0] if index else None, UNITS)["unit"].iloc[0])
    return pd.Series(found)
