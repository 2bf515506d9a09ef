"""From pictures to words: does a reader see in a unit's made picture what it sees in the unit's images?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from engine.address import format_units
from pages.common import colours, concepts_setup, errors, results
from pages.common import concepts_view as views
from pages.common.colours import Side
from pages.common.concepts_view import ConceptsView
from pages.common.experiment_page import ExperimentPage

if TYPE_CHECKING:
    from engine.experiment import Result

FIRST_UNITS = 4


def setup(page: ExperimentPage[ConceptsView], view: ConceptsView) -> None:
    """Which units' pictures are read: those with the best words unless somebody says otherwise."""
    chosen, keys = {"a": view.units, "b": view.others}, {}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        for side, model in view.sides.items():
            keys[side] = concepts_setup.synced(page, f"units_{side}", chosen[side] or _best(view, side))
            with st.container(width=240):
                st.text_input(
                    f"Units of :{colours.NAMES[side]}[{model}]",
                    key=keys[side],
                    help=f"Numbers and ranges, at most {views.MOST_UNITS}. At first those whose words fit best.",
                )
        if st.button("Read their pictures", type="primary", icon=":material/play_arrow:", key=page.key("read_run")):
            with errors.shown():
                units = {side: (st.session_state[keys[side]] or "")[:300] for side in view.sides}
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


def draw(page: ExperimentPage[ConceptsView], view: ConceptsView, found: Mapping[str, Result]) -> None:
    """Each unit's picture with its words, beside those of its strongest images."""
