"""From text to pictures and back: what the reader draws for a text, what its units draw, and what pictures are read as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from engine.address import Address, format_units
from pages.common import colours, concepts_making, errors, figures, permalink, results, words
from pages.common import concepts_view as views
from pages.common.colours import Side
from pages.common.concepts_view import EMBEDDING, ConceptsView
from pages.common.experiment_page import ExperimentPage, Part
from pages.common.view import View
from pages.common.wall import PAGE as CLOSER
from pages.common.wall import input_size

if TYPE_CHECKING:
    from engine.experiment import Result

WIDTH = 224
SMALL = 128
IMAGES = 5
FIRST_UNITS = 4


def draw(page: ExperimentPage[ConceptsView], view: ConceptsView, found: Mapping[str, Result]) -> None:
    """The picture of the text by the reader's embedding, and by a few units of each model that follow it together."""
    if not view.text:
        errors.hint("Type a text above and press **Search**; then it can be drawn here.", "brush")
        return
    text = errors.escape(view.text)
    st.caption(
        "Pictures made from noise, without a generative model. The first makes the reader's embedding of the picture as "
        "similar to the text's as it can be; the others excite a few units which together follow the text."
    )
    with st.grid(1 + len(view.sides), min_column_width=260, gap="large"):
        if "says" in found:
            with st.container():
                st.markdown(f"##### {errors.escape(view.reader)} · whole embedding")
                _made(found["says"], f"Picture that {view.reader} finds most like the text {view.text}")
                facts = found["says"].tables["units"].to_dict("records")[0]
                st.caption(
                    f"“{text}”: cosine **{float(facts['activation']):.3f}** between picture and text, above "
                    f"{float(facts['percentile']):.1f}% of the images of {errors.escape(view.data)}."
                )
                _closer(view, Address(view.reader, EMBEDDING, (), (str(found["says"].request["targets"][0]),)))
        for side, model in view.sides.items():
            if f"find-{side}" in found:
                with st.container():
                    _sparse(page, view, side, model, found[f"find-{side}"])


def _sparse(page: ExperimentPage[ConceptsView], view: ConceptsView, side: Side, model: str, result: Result) -> None:
    known: dict[str, Any] = result.facts["sparse"]
    site, target = str(known["site"]), str(known["target"])
    st.markdown(f"##### :{colours.NAMES[side]}[{model}] · up to five units")
    request = views.picture(view, model, site, target)
    made = results.find(request.key())
    if made is not None:
        _made(made, f"Picture for the units {target} of {model}, {site}, which together follow {view.text}")
    elif request.key() not in concepts_making.coming(page) and st.button(
        "Make this picture", icon=":material/brush:", key=page.key(f"sparse_{side}")
    ):
        with errors.shown():
            concepts_making.want(page, [Part(f"sparse-{side}", views.title(view, side, "Picture of the combination"), request)])
            st.rerun()
    st.caption(
        f"A weighted sum of units of `{site}` that follows “{errors.escape(view.text)}” with a correlation of "
        f"**{float(known['correlation']):.2f}** over the images (the best single unit: "
        f"{float(result.tables['units']['score'].iloc[0]):.2f}), found by orthogonal matching pursuit."
    )
    st.code(target, language=None, wrap_lines=True)
    _closer(view, Address(model, site, (), (target,)))


def _made(result: Result, alt: str) -> None:
    st.image(results.picture(result_key(result), "images", 0, WIDTH), width=WIDTH, output_format="PNG", alt=alt)


def result_key(result: Result) -> str:
    """The key under which a result is kept."""
    from engine.experiment import parse_request

    return parse_request(result.request).key()


def _closer(view: ConceptsView, address: Address) -> None:
    st.page_link(
        CLOSER,
        label="Look closer",
        icon=":material/arrow_forward:",
        icon_position="right",
        query_params=permalink.write(View(address, data=view.data)),
    )


def read_setup(page: ExperimentPage[ConceptsView], view: ConceptsView) -> None:
    """Which units' pictures are read: those with the best words unless somebody says otherwise."""
    chosen = {"a": view.units, "b": view.others}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        for side, model in view.sides.items():
            key = page.key(f"units_{side}")
            st.session_state.setdefault(key, chosen[side] or _best(view, side))
            with st.container(width=240):
                st.text_input(
                    f"Units of :{colours.NAMES[side]}[{model}]",
                    key=key,
                    help=f"Numbers and ranges, at most {views.MOST_UNITS}. At first those whose words fit best.",
                )
        if st.button("Read their pictures", type="primary", icon=":material/play_arrow:", key=page.key("read_run")):
            with errors.shown():
                units = {side: (st.session_state[page.key(f"units_{side}")] or "")[:300] for side in view.sides}
                asked = view.model_copy(update={"units": units["a"], "others": units.get("b", "")})
                page.show(asked, compute=True)


def _best(view: ConceptsView, side: Side) -> str:
    """The units of the layer with the best words, where they are named; else the first ones."""
    from engine.concepts import browsing

    naming = results.find(views.naming(view, view.sides[side], views.layer(view, side)).key())
    if naming is None:
        return f"0-{FIRST_UNITS - 1}"
    table = browsing.chosen(browsing.units_table(naming), named=True)
    return format_units(sorted(int(unit) for unit in table["unit"][:FIRST_UNITS])) or f"0-{FIRST_UNITS - 1}"
