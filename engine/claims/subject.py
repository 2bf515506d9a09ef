"""What claims are asked about: two models, perhaps a CLIP, and images; and what can be known of them, found out from themselves.

Invariant: no model and no data set is known here by its name.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from engine.core.choices import DEFAULT_DATA
from engine.core.errors import BadRequest, VitrineError
from engine.data.registry import open_dataset
from engine.evaluation.applies import ROLES
from engine.evaluation.class_matching import check_comparable, knowledge
from engine.models import catalog
from engine.spatial.images import matching_of

Need = Literal["attention", "text", "classes"]


@dataclass(frozen=True)
class Subject:
    """Models by name. `clip`: a model of the same kind trained with language, empty for none."""

    a: str
    b: str = ""
    clip: str = ""
    data: str = DEFAULT_DATA

    @property
    def sides(self) -> dict[Literal["a", "b"], str]:
        """The two models by side; one where the other is not given."""
        return {"a": self.a, "b": self.b} if self.b else {"a": self.a}

    @property
    def vit(self) -> tuple[Literal["a", "b"], str] | None:
        """The first model with attention, and its side."""
        return next(((side, name) for side, name in self.sides.items() if has(name, "attention")), None)

    @property
    def cnn(self) -> tuple[Literal["a", "b"], str] | None:
        """The first model without attention, and its side."""
        return next(((side, name) for side, name in self.sides.items() if not has(name, "attention")), None)

    def side_of(self, model: str) -> Literal["a", "b"]:
        return "a" if model == self.a else "b"


def has(model: str, need: Need) -> bool:
    """Whether a model has attention, classes or a text tower. Raises VitrineError where it is not there."""
    return any(role.startswith(ROLES[need]) for role in _roles(model, catalog.fingerprint(model)))


@lru_cache(maxsize=64)
def _roles(model: str, fingerprint: str) -> frozenset[str]:
    return frozenset(site.role for site in catalog.sites_of(model).values())


def no_transformer(subject: Subject) -> str:
    """Why a claim about transformers cannot be told; empty where it can."""
    if subject.vit:
        return ""
    who = "Neither model has" if subject.b else f"{subject.a} has no"
    return f"{who} attention, and this claim is about vision transformers."


def no_pair(subject: Subject) -> str:
    """Why a claim that compares a ViT with a CNN cannot be told; empty where it can."""
    if subject.vit and subject.cnn:
        return ""
    if not subject.b:
        return "This claim compares a vision transformer with a CNN, and only one model is given."
    what = "have attention" if subject.vit else "are without attention"
    return f"This claim compares a vision transformer with a CNN, and both models {what}."


def no_answers(model: str, data: str) -> str:
    """Why a model's answers to these images cannot be right or wrong; empty where they can. Raises VitrineError where either
    is not there."""
    return _no_answers(model, data, catalog.fingerprint(model), open_dataset(data).fingerprint)


@lru_cache(maxsize=64)
def _no_answers(model: str, data: str, weights: str, images: str) -> str:
    if "labels" not in open_dataset(data).gives():
        return f"The images of “{data}” have no labels, so no answer can be right."
    if not has(model, "classes"):
        return f"{model} has no classes to answer with, so it has no accuracy."
    outputs = next(site.units for site in catalog.sites_of(model).values() if site.role.startswith(ROLES["classes"]))
    try:
        matching_of(model, catalog.class_names(catalog.find(model)), outputs, open_dataset(data))
    except BadRequest as error:
        return str(error)
    return ""


def no_common(subject: Subject) -> str:
    """Why the answers of two models cannot be compared: they know none of the same kinds; empty where they can."""
    try:
        check_comparable([*subject.sides.values()], subject.data)
    except BadRequest as error:
        return str(error)
    return ""


def no_comparison(subject: Subject) -> str:
    """Why a claim that compares the answers of a ViT and a CNN cannot be told; empty where it can."""
    if why := no_pair(subject):
        return why
    lacking = filter(None, (no_answers(model, subject.data) for model in subject.sides.values()))
    return next(lacking, "") or no_common(subject)


def known_kinds(subject: Subject) -> str:
    """Of how many kinds a comparison is, where a model does not know all that the images show; empty where both do."""
    told = []
    with suppress(VitrineError):  # what is not there is said elsewhere
        if open_dataset(subject.data).class_names:
            told = [knowledge(model, subject.data) for model in subject.sides.values()]
    return " ".join(f"{each.model} {each.sentence}." for each in told if each is not None and each.sentence)


def not_known(data: str, *needs: str) -> str:
    """Why images cannot be used that have none of these; empty where they have one."""
    if any(need in open_dataset(data).gives() for need in needs):
        return ""
    words = f"no {needs[0]}" if len(needs) == 1 else f"neither {' nor '.join(needs)}"
    return f"The images of “{data}” have {words}."


def independent(data: str) -> int:
    """How many images of a data set do not belong together: sets count once."""
    dataset = open_dataset(data)
    clusters = dataset.clusters()
    return len(dataset) if clusters is None else len(np.unique(clusters))
