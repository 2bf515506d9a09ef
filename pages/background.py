"""Background and texture: what models lean on. Object or background, low or high frequencies, shape or texture."""

from __future__ import annotations

from pages.common import errors
from pages.common.experiment_page import flat_page
from pages.common.figures import left_out
from pages.sections.reliance import images, sections, setup
from pages.sections.reliance.view import View, parts, summary

PAGE = flat_page("bg", View, lambda view: [part.request for part in parts(view)])
OFFER = (
    "Not all of this is computed yet. A starter model takes about a minute on two cores for objects and backgrounds of 600 "
    "scenes, and some minutes for all filters; larger models and images take longer. What is done shows at once."
)

view = PAGE.opening(
    "Background and texture",
    "How much of a model's accuracy comes from the object, how much from what is behind it; which frequencies it needs; "
    "and what is left of a difference between two models once one's being stronger is taken out.",
    "What to compare",
    setup.draw,
    "Pick models and images and press **Run**. Results appear model by model, and what was computed once is kept: adding "
    "a model computes only the new one.",
)
if view is not None:
    with errors.shown():
        asked = parts(view)
        PAGE.bar(errors.escape(summary(view)), asked)
        found = PAGE.results(asked, OFFER)
        by_measure = {
            measure: {model: found[name] for model in view.models if (name := f"{measure}/{model}") in found}
            for measure in view.measures
        }
        for measure, there in by_measure.items():
            if there:
                with errors.shown():
                    sections.draw(view, measure, there, PAGE.turn)
        if by_measure.get("background"):
            with errors.shown():
                PAGE.turn(images.draw(PAGE.shown() or view, by_measure["background"], by_measure.get("frequency", {})))
        left_out(found.values())
