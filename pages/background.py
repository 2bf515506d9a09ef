"""Background and texture: what models lean on. Object or background, low or high frequencies, shape or texture."""

from __future__ import annotations

from engine.core.choices import COMPARED_IMAGES
from pages.common import errors, query
from pages.common.charts.files import Source
from pages.common.experiment_page import coming, flat_page
from pages.common.experiments import single
from pages.common.experiments.skipped import left_out
from pages.sections.reliance import sections, setup, units
from pages.sections.reliance.shown import Shown
from pages.sections.reliance.view import EXPERIMENTS, View, example, parts, refusal, request, summary

PAGE = flat_page("bg", View, lambda view: [part.request for part in parts(view)], refusal=refusal, example=example)
OFFER = (
    "Some of this is not computed yet. On two busy cores, a starter model takes about a minute for objects and backgrounds of "
    f"{COMPARED_IMAGES} scenes; for all filters the CNN takes about 4 minutes and the ViT up to 12. Larger models and images "
    "take longer. Results appear as they are finished."
)


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
            computed = PAGE.results(asked, OFFER)
            page, batch = Source("background", query.write(view)), PAGE.batch([part.request for part in asked])
            running = coming(batch)
            for measure in view.measures:
                there = {model: computed[name] for model in view.models if (name := f"{measure}/{model}") in computed}
                if there or any(request(view, measure, model).key() in running for model in view.models):
                    with errors.shown():
                        sections.draw(Shown(view, measure, there, page, PAGE.turn))
            left_out(computed.values())
    units.link()


single.page("reliance", show, (*EXPERIMENTS, units.NAME))
