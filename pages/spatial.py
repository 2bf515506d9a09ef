"""Spatial probe: where a unit looks, how long position survives, and what the last layer does to it."""

from __future__ import annotations

from pages.common import errors
from pages.common.experiment_page import flat_page
from pages.common.figures import left_out
from pages.sections.spatial import figures, image, setup
from pages.sections.spatial.view import SpatialView, parts, requests

page = flat_page("sp", SpatialView, requests, nothing="It names no model. Write ?a=starter-vit&b=starter-cnn.")

view = page.opening(
    "Spatial probe",
    "Where on the image a unit looks, how long a token knows where it is, and what the last layer does to that: "
    "position maps, localisation, class token isolation and uniform attention, for transformers and CNNs alike.",
    "What to look at",
    setup.draw,
    "Pick one or two models and press **Run**. Nothing is computed before that, and what was computed is kept.",
)
if view is not None:
    with errors.shown():
        asked = parts(view)
        what = f"image {view.image}" if view.image.isdigit() else "an uploaded picture"
        page.bar(errors.escape(f"{view.data} · {what} · unit {view.unit}"), asked)
        found = page.results(
            asked, "Not all of this is computed on this machine yet. The link says exactly what to compute."
        )
        image.draw(page, view, found)
        figures.curves(view, found)
        figures.last_layer(view, found)
        figures.moves(view, found)
        left_out(found.values())
