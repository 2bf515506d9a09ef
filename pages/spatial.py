"""Spatial probe: where a unit looks, how long position survives, and what the last layer does to it."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, query, results
from pages.common.charts.files import Source
from pages.common.experiment_page import flat_page
from pages.common.experiments import offer, single
from pages.common.experiments.skipped import left_out
from pages.sections.spatial import figures, image, last, setup, sheet
from pages.sections.spatial.shown import Shown
from pages.sections.spatial.view import EXPERIMENTS, SpatialView, example, parts, requests

PAGE = flat_page(
    "sp", SpatialView, requests, nothing="The link names no model. Write ?a=starter-vit&b=starter-cnn.", example=example
)


def show() -> None:
    """The page itself."""
    view = PAGE.opening(
        "Spatial probe",
        "Where in the image a unit is active, how long tokens keep their place, and what the last layer does to it.",
        setup.draw,
        "Choose one or two models and press **Run**. What was computed is kept.",
    )
    if view is not None:
        with errors.shown():
            asked = parts(view)
            if PAGE.is_example():  # the server makes indexes by itself: nobody has to ask for what opens by itself
                asked = [
                    part for part in asked if not part.name.startswith("scenes") or results.find(part.request.key())
                ]
            what = f"image {view.image}" if view.image.isdigit() else "an uploaded image"
            PAGE.bar(errors.escape(f"{view.data} · {what} · unit {view.unit}"), asked)
            if PAGE.batch([part.request for part in asked]) is None:
                PAGE.at_once([part.request for part in asked if part.name.startswith("maps")])
            computed = PAGE.results(asked, offer.told(PAGE, asked, f"images of “{errors.escape(view.data)}”"))
            keys = {part.name: part.request.key() for part in asked}
            shown = Shown(view, computed, keys, Source("spatial", query.write(view)), _open_depth, _follow)
            if headline := figures.headline(shown):
                st.markdown(f"## {headline}")
                st.markdown(figures.ends(shown))
            image.draw(PAGE, view, computed)
            sheet.button(view, computed)
            figures.first(shown)
            for title, name, draw in (
                ("Objects, tokens and maps through the layers", "layers", figures.curves),
                ("What the last layer does", "last", last.last_layer),
                ("Shifted and rotated images", "moves", figures.moves),
            ):
                if shown.there(name):
                    more = st.expander(title, icon=":material/insights:", key=f"sp-more-{name}", on_change="rerun")
                    if more.open:  # a dozen charts, made when somebody looks
                        with more:
                            draw(shown)
            left_out(computed.values())


def _open_depth(depth: float) -> None:
    """Show the maps of the block that lies this deep."""
    if (view := PAGE.shown()) is not None:
        PAGE.turn(view.model_copy(update={"depth": depth}))


def _follow(down: float, across: float) -> None:
    """Follow the token at this place of the image."""
    if (view := PAGE.shown()) is not None:
        PAGE.turn(view.model_copy(update={"down": down, "across": across}))


single.page("spatial", show, EXPERIMENTS)
