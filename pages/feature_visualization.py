"""Feature visualization: what a unit looks for, in one or two models, at one layer or through the whole depth."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages.common import errors, results
from pages.common.experiment_page import Part, flat_page
from pages.common.experiments import single
from pages.common.sharing import PICTURES
from pages.common.units.rows import refusal, rows
from pages.common.units.view import View, example
from pages.sections.home import gallery
from pages.sections.visualize import explanation, figure, making, pickers, setup, style, unit_page, wall

PAGE = flat_page(
    "fv",
    View,
    lambda view: [row.request for row in rows(view)],
    nothing="The link names no units. Write ?a=model@site:units.",
    fill=pickers.fill,
    refusal=refusal,
    example=example,
)


def show() -> None:
    """The page itself."""
    style.draw()
    if unit_page.came_along(st.query_params.to_dict(), gallery.shipped().places):
        return
    top, body, below = st.container(), st.container(), st.container()
    with top:
        view = PAGE.opening(
            "Feature visualization",
            "What a unit looks for: a picture optimized from noise to excite it, above the images that excite it most.",
            partial(setup.draw, below=below),
            heading=unit_page.heading,
        )
    if view is None:
        return
    with body, errors.shown():
        shown, place = unit_page.rows_of(view)
        batch = PAGE.batch([row.request for row in shown])
        making.line(PAGE, view, shown, batch, place)
        wall.draw(view, shown, batch, place)
        there = tuple(row for row in shown if results.find(row.key) is not None)

        def beside() -> None:
            if view.view == "layer":
                wall.maps_toggle()
            if there:
                figure.popover(figure.Wanted(view, there, place), "wall")

        parts = [Part(row.name, wall.name_of(row), row.request) for row in shown]
        name = f"vitrine-{view.a.model.replace('/', '_')}"
        PAGE.bar(errors.escape(setup.summary(view)), parts, beside, name=name, holds=PICTURES)
        explanation.links(view)


single.page("visualize", show, ("visualize", "index", "counterparts", "explains", "layer-paths"))
