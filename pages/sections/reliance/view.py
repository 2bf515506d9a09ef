"""What the page "Background and texture" shows: models, a data set and measurements, and the requests for them.

One request a model and a measurement: adding a model to a finished comparison computes only the new one. Knows no
Streamlit.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from engine.core.choices import (
    COMPARED_IMAGES,
    DEFAULT_DATA,
    DEFAULT_FILLS,
    DEFAULT_FILTER,
    DEFAULT_MODELS,
    FILLS,
    Cut,
    Fill,
    Filter,
)
from engine.core.errors import BadRequest, Forbidden, VitrineError
from engine.core.experiments import Experiment, find
from engine.core.request import Request, build
from pages.common import results
from pages.common.experiment_page import Part

MEASURES = ("background", "frequency", "counterfactual", "texture", "spectrum", "challenge")
"""What is compared between models, in the order of the page, by the names of the commands."""
FORMERLY = {"places": "counterfactual", "gradients": "spectrum"}
"""Names in links that were made before, and what they are now."""
EXPERIMENTS = tuple("gradient-spectrum" if measure == "spectrum" else measure for measure in MEASURES)
"""The experiments of the registry that measure them."""
SHARED = ("data", "cut", "fills", "filter", "limit")
"""Fields of the view that a request takes over where it has them."""
MOST_MODELS = 8


class View(BaseModel):
    """The page's state. `limit`: images, the same for all models, drawn at random (0: all). How it is looked at asks for
    nothing to be computed: `kind` is the class whose images are shown, `number` the accuracy that is drawn, `look` a model
    and the place of a variant (`starter-vit|1`) whose wrong answers are shown, `cutoff` that of filtered images, `at` the place
    of another filter that they are shown under (-1: none)."""

    model_config = ConfigDict(frozen=True)

    models: tuple[str, ...] = Field(min_length=1, max_length=MOST_MODELS)
    data: str = DEFAULT_DATA
    measures: tuple[str, ...] = ("background", "frequency")
    cut: Cut = "box"
    fills: tuple[Fill, ...] = Field(default=DEFAULT_FILLS, min_length=1)
    filter: Filter = DEFAULT_FILTER
    limit: int = Field(default=COMPARED_IMAGES, ge=0, le=10_000_000)
    number: Literal["top1", "top5", "top1_normalised", "top5_normalised"] = "top1"
    kind: str = ""
    look: str = Field(default="", max_length=300)
    cutoff: float = Field(default=0.0, ge=0, le=1)
    at: int = Field(default=-1, ge=-1, le=10_000)

    @field_validator("models")
    @classmethod
    def _each_once(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(models))

    @field_validator("measures")
    @classmethod
    def _known(cls, measures: tuple[str, ...]) -> tuple[str, ...]:
        return _ordered(tuple(FORMERLY.get(name, name) for name in measures), MEASURES)

    @field_validator("fills")
    @classmethod
    def _in_order(cls, fills: tuple[str, ...]) -> tuple[str, ...]:
        return _ordered(fills, FILLS)


def _ordered(given: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := set(given) - set(known):
        raise ValueError(f"{min(unknown)[:40]} is not one of {', '.join(known)}")
    return tuple(each for each in known if each in given)


def request(view: View, measure: str, model: str) -> Request:
    """The request of one measurement of one model. Raises BadRequest where it does not go together."""
    if measure not in MEASURES:
        raise BadRequest(f"There is no experiment “{measure[:40]}”. Choose from {', '.join(MEASURES)}.")
    kind = _experiment(measure).kind
    fields: dict[str, Any] = {name: getattr(view, name) for name in kind.model_fields if name in SHARED}
    if measure == "texture" and view.cut == "box":  # a box is no silhouette
        fields["cut"] = "mask"
    return build(kind, model=model, **fields)


def title(measure: str) -> str:
    """What a measurement is called on the page."""
    return _experiment(measure).title


def _experiment(measure: str) -> Experiment:
    return find(EXPERIMENTS[MEASURES.index(measure)])


def parts(view: View) -> list[Part]:
    """Every request of a view: measurement by measurement, and in each model by model."""
    return [
        Part(f"{measure}/{model}", f"{title(measure)}, `{model}`", request(view, measure, model))
        for measure in view.measures
        for model in view.models
    ]


def refusal(view: View) -> str | None:
    """Why a view cannot be shown here: something is not there, or its models have nothing in common. None where it can."""
    from engine.evaluation.applies import check_applies
    from engine.evaluation.class_matching import check_comparable

    try:
        if "challenge" not in view.measures:  # which maps ImageNet's classes to its own nine
            check_comparable(view.models, view.data)
        for part in parts(view):
            if not results.is_stored(part.request):  # what is stored shows, whatever has become of the model
                with suppress(Forbidden):  # of a model that would have to be loaded for somebody who may only look
                    check_applies(part.request)
    except VitrineError as error:
        return str(error)
    return None


def knows(models: Sequence[str], data: str) -> list[str]:
    """A line for each model that does not know all kinds of a data set. What cannot be used at all is said at Run."""
    from engine.data.registry import open_dataset
    from engine.evaluation.class_matching import knowledge

    lines = []
    for model in models:
        with suppress(VitrineError):
            known = knowledge(model, data) if open_dataset(data).class_names else None
            if known is not None and known.sentence:
                lines.append(f"{model} {known.sentence}.")
    return lines


def suitable(data: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(measurements, ways to cut) that a data set allows. Raises VitrineError where it is not there."""
    from engine.data.registry import open_dataset
    from engine.evaluation.applies import lacking_of_data

    fits = [measure for measure in MEASURES if not lacking_of_data(_experiment(measure), data)]
    # A folder of the challenge's variations is there for the challenge alone.
    measures = [measure for measure in fits if "variations" in _experiment(measure).data] or fits
    return tuple(measures), (*open_dataset(data).cuts(), "saliency")


def summary(view: View) -> str:
    """A view in one line, above its results."""
    images = f"at most {view.limit} images" if view.limit else "all images"
    cut = {"box": "cut by boxes", "mask": "cut by masks", "saliency": "segmented by the saliency network"}[view.cut]
    return " · ".join([f"data {view.data}", images, cut, f"fill {', '.join(view.fills)}", f"{view.filter} filter"])


def example() -> View:
    """What the page opens on: both starter networks without background, without object, and filtered."""
    return View(models=DEFAULT_MODELS)
