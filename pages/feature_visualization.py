"""Feature visualization: what a unit looks for, in one or two models, at one layer or through the whole depth."""

from __future__ import annotations

from pages.common import errors, results
from pages.common.experiment_page import Part, flat_page
from pages.common.experiments import single
from pages.common.sharing import PICTURES
from pages.common.units.rows import missing, refusal, rows
from pages.common.units.view import View
from pages.sections.visualize import explanation, figure, pickers, setup, wall

PAGE = flat_page(
    "fv",
    View,
    lambda view: [row.request for row in rows(view)],
    nothing="The link names no units. Write ?a=model@site:units.",
    fill=pickers.fill,
    refusal=refusal,
)


def show() -> None:
    """The page itself."""
    view = PAGE.opening(
        "Feature visualization",
        "What a unit responds to: a picture optimized from noise to activate the unit as strongly as possible, beside the "
        "scenes that activate it most and where in them it is active.",
        "Settings",
        setup.draw,
        "Pick a layer in the diagram of a model, choose some units and press **Run**. Eight units of a starter model take "
        "about a minute on two cores. Results are cached.",
    )
    if view is not None:
        with errors.shown():
            shown = rows(view)
            parts = [Part(row.name, wall.name_of(row), row.request) for row in shown]
            there = tuple(row for row in shown if results.find(row.key) is not None)

            def beside() -> None:
                if view.view == "layer":
                    wall.maps_toggle()
                if there:
                    figure.popover(figure.Wanted(view, there), "wall")

            PAGE.bar(
                errors.escape(setup.summary(view)),
                parts,
                beside,
                name=f"vitrine-{view.a.model.replace('/', '_')}",
                holds=PICTURES,
            )
            batch = PAGE.batch([part.request for part in parts])
            absent = [row.key for row in missing(shown)]
            results.tell_changes([row.request for row in missing(shown)])
            PAGE.offer(absent, batch, lambda count: wall.offer(shown, count))
            wall.draw(view, shown, batch)
            explanation.links(view)


single.page("visualize", show, ("visualize", "index", "explains", "layer-paths"))
