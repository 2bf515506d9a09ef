"""Which class of a model is meant by a data set's label: matched by WordNet id or by name, never by position.

Invariant: what cannot be matched, or could mean two classes, stays unmatched and is told with the reason.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.core.errors import BadRequest
from engine.data.imagenet import imagenet_ids, imagenet_names
from engine.data.registry import open_dataset
from engine.models import catalog

_WORDNET = re.compile(r"(n\d{8})(?![0-9])")


@dataclass(frozen=True)
class Matching:
    """`to_model` (classes of the data set,) int32: the model's class, -1 where there is none; and what to tell."""

    to_model: np.ndarray
    notes: tuple[tuple[str, str], ...]


def model_classes(model: str) -> tuple[str, ...]:
    """The names of a model's classes without loading its weights; where nobody names them, as `match` takes them."""
    return catalog.class_names(catalog.find(model)) or imagenet_names()


def classifies(model: str) -> bool:
    """Whether a model is known to have classes without loading its weights."""
    entry = catalog.find(model)
    return bool(entry.classes or catalog.class_names(entry))


def match(data: Sequence[str], model: Sequence[str] | None, outputs: int) -> Matching:
    """The model's class for each class of a data set.

    data: names or WordNet ids (also with a name behind the id). model: the names of the model's `outputs` classes in
    order; without names, a model of 1000 classes is taken as ImageNet-1k's, which is noted. Names agree when they are
    the same but for case and underscores, or when one of a class's synonyms is. Raises BadRequest for other nameless
    models and where no label of the data set is known to the model.
    """
    notes: list[tuple[str, str]] = []
    if model is None:
        if outputs != 1000:
            raise BadRequest(f"The names of the model's {outputs} classes are unknown. Add classes to its card.")
        model = imagenet_names()
        notes.append(
            ("classes", "the model names none of its 1000 classes; taken as ImageNet-1k's, in their usual order")
        )
    if len(model) != outputs:
        raise BadRequest(f"The model has {outputs} outputs, but {len(model)} names of classes. Give one name for each.")
    names, ids = _by_name(model), _by_id(model)
    to_model = np.full(len(data), -1, np.int32)
    for number, label in enumerate(data):
        wordnet = _WORDNET.match(label)
        candidates = ids.get(wordnet[1], set()) if wordnet else names.get(_plain(label), set())
        if len(candidates) == 1:
            to_model[number] = next(iter(candidates))
        else:
            reason = "matches several classes of the model" if candidates else "is no class of the model"
            notes.append((f"class {label}", f"“{label}” {reason}; its images are skipped"))
    if len(data) and (to_model < 0).all():
        raise BadRequest(
            f"The model has none of the data set's classes (“{data[0]}”, …). Choose another model or data set."
        )
    return Matching(to_model, tuple(notes))


@dataclass(frozen=True)
class Knowledge:
    """How many of a data set's kinds a model knows, and which (their numbers in the data set)."""

    model: str
    known: frozenset[int]
    kinds: int

    @property
    def sentence(self) -> str:
        """What a comparison on this data is about; empty where the model knows all of it."""
        if len(self.known) == self.kinds:
            return ""
        return f"knows {len(self.known)} of {self.kinds} kinds here: compared on those"


def knowledge(model: str, data: str) -> Knowledge | None:
    """Which kinds of a data set a model knows, without loading its weights; None where it is not known to have classes. Raises
    BadRequest where it knows none, and VitrineError where either is not there."""
    return _knowledge(model, data, open_dataset(data).class_names) if classifies(model) else None


@functools.lru_cache(maxsize=64)
def _knowledge(model: str, data: str, kinds: tuple[str, ...]) -> Knowledge:
    classes = model_classes(model)
    try:
        matching = match(kinds, classes, len(classes))
    except BadRequest:
        raise BadRequest(
            f"{model} knows none of the kinds of “{data}”. Choose another model or other images."
        ) from None
    return Knowledge(model, frozenset(np.flatnonzero(matching.to_model >= 0).tolist()), len(kinds))


def check_comparable(models: Sequence[str], data: str) -> None:
    """Raises BadRequest, before anything runs, where a model knows none of a data set's kinds, or two have none in common
    there."""
    if not open_dataset(data).class_names:
        return  # a data set without names counts in ImageNet's classes
    asked = [knowledge(model, data) for model in dict.fromkeys(models)]
    known = [each for each in asked if each is not None]
    for one, other in itertools.combinations(known, 2):
        if not one.known & other.known:
            raise BadRequest(
                f"{one.model} and {other.model} have no kind of “{data}” in common, so they cannot be compared on it. Choose "
                "other images, or models with the same classes."
            )


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())


def _by_name(model: Sequence[str]) -> dict[str, set[int]]:
    """Full names first; a synonym counts only where no class has it as its full name."""
    whole: dict[str, set[int]] = {}
    parts: dict[str, set[int]] = {}
    for number, name in enumerate(model):
        whole.setdefault(_plain(name), set()).add(number)
        for part in name.split(","):
            parts.setdefault(_plain(part), set()).add(number)
    return {**parts, **whole}


def _by_id(model: Sequence[str]) -> dict[str, set[int]]:
    if tuple(model) == imagenet_names():
        return {wordnet: {number} for number, wordnet in enumerate(imagenet_ids())}
    numbers: dict[str, set[int]] = {}
    for number, name in enumerate(model):
        if wordnet := _WORDNET.match(name):
            numbers.setdefault(wordnet[1], set()).add(number)
    return numbers
