"""What the units of one layer lean on: the way there from the page, and the chart of a result, in which each point is a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from engine.core.address import Address
from engine.core.experiments import find, parse_request
from pages.common import errors, query
from pages.common.charts import figure
from pages.common.charts.files import Source
from pages.common.experiments import single
from pages.common.experiments.drawings import drawing
from pages.common.experiments.places import SCRIPTS
from pages.common.units.view import View as UnitsView
from pages.sections.reliance import charts

if TYPE_CHECKING:
    from engine.core.request import Result

NAME = "unit-cues"
WANTED = "bg_unit_clicked"


def link() -> None:
    """Below the comparison of models: where to ask the same of single units."""
    entry = find(NAME)
    st.header(errors.escape(entry.title), anchor="units")
    st.caption(errors.escape(entry.about))
    st.page_link(
        SCRIPTS[entry.page], label="Choose a layer", icon=":material/science:", query_params={single.NAME: NAME}
    )


@drawing(NAME)
def draw(result: Result, key: str) -> None:
    """The counts in a sentence, and every unit of the layer by what it leans on."""
    request, facts, table = result.request, result.facts, result.tables["units"]
    images, cut, fill = (errors.escape(str(facts[name])) for name in ("images", "cut", "fill"))
    model, site = str(request["model"]), str(request["site"])
    chart = charts.units({model: table}, title=f"Units of {model} at {site}", finding=errors.escape(facts["sentence"]))
    known = int(table["object_lean"].notna().sum())
    figure.draw(
        chart, table, Source("background", single.link(parse_request(request)), (result.key,)), key=f"{key}_units",
        note=f"Each of {known} points is a unit. A share is how far a unit's strongest images (of {images}; they excite it more "
        f"than nine tenths of the other half do) still stand above all images when all are treated alike: cut by {cut}, filled "
        f"with {fill}, or filtered up to and from {facts['cutoff']:g} of Nyquist (the highest frequency kept is "
        f"{facts['kept']:.3f}). Grey: neither difference could be told from zero. Every share and difference has its 95% "
        "interval in the CSV.",
        opens="its unit", on_click=_wanted,
    )  # fmt: skip
    if (unit := st.session_state.pop(WANTED, None)) is not None:
        asked = UnitsView(a=Address(model, site, (unit,)), data=str(request["data"]))
        st.switch_page(SCRIPTS["visualize"], query_params=query.write(asked))


def _wanted(what: list) -> None:
    """A unit was clicked: it is opened when the page runs again, from where one can go to another page."""
    st.session_state[WANTED] = int(what[0])
