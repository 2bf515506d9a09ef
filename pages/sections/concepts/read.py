"""From pictures to words: does a reader see in a unit's made picture what it sees in the unit's images?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from engine.core.address import format_units, parse_units
from engine.core.config import settings
from engine.core.experiments import parse_request
from engine.core.request import Result
from pages.common import colours, errors, results
from pages.common.colours import Side
from pages.common.experiment_page import ExperimentPage
from pages.sections.concepts import card as concepts_card
from pages.sections.concepts import making
from pages.sections.concepts import setup as choices
from pages.sections.concepts import view as views
from pages.sections.concepts.view import ConceptsView

FIRST_UNITS = 4
WAITS = (
    "Each unit's picture will stand here beside its strongest images, with the words that the CLIP gives to both. Choose units "
    "above and press **Run**. A picture takes about ten seconds on two cores for a starter model."
)
WIDTH = 128


def setup(page: ExperimentPage[ConceptsView], view: ConceptsView) -> None:
    """Which units' pictures are read: those with the best words unless somebody says otherwise."""
    chosen = {"a": view.units, "b": view.others}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        for side in view.sides:
            with st.container(width=240):
                st.text_input(
                    f"Units of model {side.upper()}",
                    key=choices.synced(page, f"units_{side}", chosen[side] or _best(view, side)),
                    help=f"Numbers and ranges, at most {views.MOST_UNITS}. By default, those with the highest label scores.",
                )
        if choices.runs(page, "read_run"):
            with errors.shown():
                _ask(page, view)


def _ask(page: ExperimentPage[ConceptsView], view: ConceptsView) -> None:
    """Show the units that are written; those with the best words of a model that was chosen since, where nobody wrote any.
    Raises VitrineError where that cannot be."""
    asked, units = choices.asked(page), {"a": "", "b": ""}
    for side, model in asked.sides.items():
        written, before = (st.session_state.get(page.key(f"units_{side}_{which}")) for which in ("at", "from"))
        same = view.sides.get(side) == model or written != before
        units[side] = (written or "")[:300] if same else _best(asked, side)
    parse_units(units["a"] or units["b"], views.MOST_UNITS)  # refuses where neither names any
    choices.begin(page, asked.model_copy(update={"units": units["a"], "others": units["b"]}))


def _best(view: ConceptsView, side: Side) -> str:
    """The units of the layer with the best words, where they are named; else the first ones."""
    from engine.concepts import browsing

    first = format_units(range(count := settings().few(FIRST_UNITS)))
    naming = making.named(view, view.sides[side], views.layer(view, side))
    if naming is None:
        return first
    table = browsing.chosen(browsing.units_table(naming), named=True)
    return format_units(sorted(int(unit) for unit in table["unit"][:count])) or first


def draw(page: ExperimentPage[ConceptsView], view: ConceptsView, computed: Mapping[str, Result]) -> None:
    """Each unit's picture with its words, beside its strongest images with theirs."""
    there: dict[Side, Result] = {side: computed[f"read-{side}"] for side in view.sides if f"read-{side}" in computed}
    if not there:
        if not (view.units or view.others):
            errors.hint(WAITS, "brush")
        return
    st.caption(
        "The CLIP labels each picture and, separately, the images that activate the unit most. Consistency is the "
        "correlation between the two over the whole vocabulary; “others” is the same with the images of the layer's other "
        "units, and z is the distance from these in standard deviations."
    )
    columns = st.columns(len(view.sides), gap="large")
    for column, side in zip(columns, view.sides, strict=True):
        if side in there:
            with column:
                _side(view, side, there[side])


def _side(view: ConceptsView, side: Side, result: Result) -> None:
    site = views.layer(view, side)
    st.subheader(f":{colours.NAMES[side]}[{errors.escape(view.sides[side])}] · `{site}`", anchor=False)
    st.markdown(finding(result))
    request: Any = parse_request(result.request)
    pictures = request.pictures().key()
    with st.grid(1 if len(view.sides) > 1 else 2, min_column_width=concepts_card.CARD):
        for place, row in enumerate(result.tables["units"].to_dict("records")):
            with st.container(border=True, gap="small"):
                with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                    st.markdown(f"**Unit {int(row['unit'])}**", width="content")
                    st.markdown(f":small[{_numbers(row)}]", width="content")
                left, right = st.columns([1, 1.9])
                with left:
                    if results.find(pictures) is not None:
                        st.image(
                            results.picture(pictures, "images", place, WIDTH),
                            width="stretch",
                            output_format="PNG",
                            alt=f"Picture of unit {int(row['unit'])} of {view.sides[side]}, {site}",
                        )
                    st.markdown(":small[:gray[labels of the picture]]")
                    st.markdown(_words(result, "picture", place))
                with right:
                    card = concepts_card.Card(side, view.sides[side], site, int(row["unit"]))
                    concepts_card.block(view, card, 4, across=4)
                    st.markdown(":small[:gray[labels of its strongest images]]")
                    st.markdown(_words(result, "image", place))


def finding(result: Result) -> str:
    """Whether pictures are read like the images of their own units, in one sentence."""
    own, others = float(result.facts["mean_consistency"]), float(result.facts["mean_others"])
    count = len(result.tables["units"])
    told = f"Mean consistency over {count} units: **{own:.2f}**, compared with **{others:.2f}** for the images of other units."
    return told.replace("-", "−")


def _numbers(row: Mapping[Any, Any]) -> str:
    said = [f"consistency **{float(row['consistency']):.2f}**"]
    if np.isfinite(float(row["others"])):
        said.append(f"others {float(row['others']):.2f}")
    if np.isfinite(float(row["z"])):
        said.append(f"z **{float(row['z']):.1f}**")
    return " · ".join(said).replace("-", "−")


def _words(result: Result, of: str, place: int) -> str:
    """The words of a picture or of images; those that both have stand out."""
    both = {*result.arrays["picture_words"][place].tolist()} & {*result.arrays["image_words"][place].tolist()}
    numbers = result.arrays[f"{of}_words"][place].tolist()
    known = {number: errors.escape(result.facts["words"][number]) for number in numbers}
    return " ".join(
        f":{'primary' if number in both else 'gray'}-badge[{word}]" for number, word in known.items()
    )  # fmt: skip
