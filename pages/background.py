"""Background and texture: what models lean on. Object or background, low or high frequencies, shape or texture."""

from __future__ import annotations

from pages.common import errors
from pages.common.experiment_page import flat_page
from pages.common.experiments import single
from pages.common.figures import left_out
from pages.sections.reliance import images, sections, setup
from pages.sections.reliance.view import EXPERIMENTS, View, parts, summary

PAGE = flat_page("bg", View, lambda view: [part.request for part in parts(view)])
OFFER = (
    "Some of these results have not been computed yet. On two cores, a starter model takes about a minute for objects and "
    "backgrounds of 600 scenes, and a few minutes for all filters; larger models and images take longer. Results appear as "
    "soon as they are finished."
)


def show() -> None:
    """The page itself."""
    view = PAGE.opening(
        "Background and texture",
        "How much a model's accuracy depends on the object, on the background, on spatial frequencies and on texture, and which "
        "differences between two models remain after controlling for overall accuracy.",
        "What to compare",
        setup.draw,
        "Choose models and images and press **Run**. Results appear model by model and are cached: adding a model computes only "
        "the new one.",
    )
    if view is not None:
        with errors.shown():
            asked = parts(view)
            PAGE.bar(errors.escape(summary(view)), asked)
            computed = PAGE.results(asked, OFFER)
            by_measure = {
                measure: {model: computed[name] for model in view.models if (name := f"{measure}/{model}") in computed}
                for measure in view.measures
            }
            for measure, there in by_measure.items():
                if there:
                    with errors.shown():
                        sections.draw(view, measure, there, PAGE.turn)
            if by_measure.get("background"):
                with errors.shown():
                    PAGE.turn(
                        images.draw(PAGE.shown() or view, by_measure["background"], by_measure.get("frequency", {}))
                    )
            left_out(computed.values())


single.page("reliance", show, EXPERIMENTS)
