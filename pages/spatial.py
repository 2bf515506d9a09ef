"""Spatial probe: where a unit looks, how long position survives, and what the last layer does to it."""

from __future__ import annotations

from pages.common import errors
from pages.common.experiment_page import flat_page
from pages.common.experiments import single
from pages.common.figures import left_out
from pages.sections.spatial import figures, image, setup
from pages.sections.spatial.view import EXPERIMENTS, SpatialView, parts, requests

PAGE = flat_page("sp", SpatialView, requests, nothing="The link names no model. Write ?a=starter-vit&b=starter-cnn.")


def show() -> None:
    """The page itself."""
    view = PAGE.opening(
        "Spatial probe",
        "Where in the image a unit is active, how long tokens preserve their position, and what the last layer does to it: "
        "activation maps, localisation, class token isolation and uniform attention, for transformers and CNNs.",
        "Settings",
        setup.draw,
        "Choose one or two models and press **Run**. Results are cached.",
    )
    if view is not None:
        with errors.shown():
            asked = parts(view)
            what = f"image {view.image}" if view.image.isdigit() else "an uploaded image"
            PAGE.bar(errors.escape(f"{view.data} · {what} · unit {view.unit}"), asked)
            computed = PAGE.results(
                asked,
                "Some of these results have not been computed on this machine yet. The link contains everything needed to "
                "compute them.",
            )
            image.draw(PAGE, view, computed)
            figures.curves(view, computed)
            figures.last_layer(view, computed)
            figures.moves(view, computed)
            left_out(computed.values())


single.page("spatial", show, EXPERIMENTS)
