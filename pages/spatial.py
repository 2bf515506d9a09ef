"""Spatial probe: where a unit looks, how long position survives, and what the last layer does to it."""

from __future__ import annotations

import streamlit as st

from pages.common import errors, serve, spatial_figures, spatial_image, spatial_setup
from pages.common.experiment_page import flat_page
from pages.common.spatial_view import SpatialView, parts, requests

page = flat_page("sp", SpatialView, requests, nothing="It names no model. Write ?a=starter-vit&b=starter-cnn.")

st.title("Spatial probe", anchor=False)
serve.ready()
page.notice(page.follow_link())
page.settle()
view = page.shown()
if view is None:
    st.caption(
        "Where on the image a unit looks, how long a token knows where it is, and what the last layer does to that: "
        "position maps, localisation, class token isolation and uniform attention, for transformers and CNNs alike."
    )
choosing = page.choosing("What to look at")
if choosing.open:
    with choosing:
        spatial_setup.draw(page)
if view is None:
    errors.hint(
        "Pick one or two models and press **Run**. Nothing is computed before that, and what was computed is kept."
    )
else:
    with errors.shown():
        asked = parts(view)
        what = f"image {view.image}" if view.image.isdigit() else "an uploaded picture"
        page.bar(f"{view.data} · {what} · unit {view.unit}", asked)
        found = page.results(
            asked, "Not all of this is computed on this machine yet. The link says exactly what to compute."
        )
        spatial_image.draw(page, view, found)
        spatial_figures.curves(view, found)
        spatial_figures.last_layer(view, found)
        spatial_figures.moves(view, found)
