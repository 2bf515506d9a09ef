"""Background and texture: what models lean on. Object or background, low or high frequencies, shape or texture."""

from __future__ import annotations

from pages.common import errors, query
from pages.common.charts.files import Source
from pages.common.experiment_page import flat_page
from pages.common.experiments import offer, single
from pages.common.experiments.skipped import left_out
from pages.sections.reliance import sections, setup, units
from pages.sections.reliance.shown import Shown
from pages.sections.reliance.view import EXPERIMENTS, View, example, parts, refusal, summary

PAGE = flat_page("bg", View, lambda view: [part.request for part in parts(view)], refusal=refusal, example=example)


def show() -> None:
    """The page itself."""
    view = PAGE.opening(
        "Background and texture",
        "What models lean on: the object or its background, low or high frequencies, shape or texture.",
        setup.draw,
        "Choose models and images and press **Run**. What was computed is kept: adding a model computes only the new one.",
    )
    if view is not None:
        with errors.shown():
            asked = parts(view)
            PAGE.bar(errors.escape(summary(view)), asked)
            images = f"up to {view.limit:,} images" if view.limit else "all images"
            computed = PAGE.results(asked, offer.told(PAGE, asked, f"{images} of “{errors.escape(view.data)}”"))
            page = Source("background", query.write(view))
            for measure in view.measures:
                there = {model: computed[name] for model in view.models if (name := f"{measure}/{model}") in computed}
                with errors.shown():
                    sections.draw(Shown(view, measure, there, page, PAGE.turn))
            left_out(computed.values())
    units.link()


single.page("reliance", show, (*EXPERIMENTS, units.NAME))
