"""The fields of a request as people fill them in: what the command line makes options of, and pages widgets.

Torch-free, like the requests' annotations that it reads.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from engine.core.request import Request

Shape = Literal["flag", "choice", "whole", "number", "text"]
USUAL = {
    "model": "the model's name",
    "reader": "the CLIP that reads the words",
    "site": "the site, like blocks.6.mlp.hidden",
    "role": "all sites of a role, like mlp.hidden",
    "data": "the images: starter, photos, or a configured name",
    "units": "the units: 5, 0-15, 0:16, or a list of those",
    "unit": "the unit's number",
    "image": "the number of an image of the data set, or of an upload",
    "start": "begin with an image instead of noise",
    "vocabulary": "the words: starter, one of vitrine.toml, or a file with one on each line",
    "template": "what a word is read in",
    "recipe": "how pictures are made",
    "seed": "of all random numbers",
    "limit": "measure on so many images, drawn once at random (0: all)",
    "images": "at most so many images",
    "cut": "by what objects are cut out",
    "fills": "what takes the place of what was cut out",
    "top": "how many of the best to keep",
}
"""What fields mean that many experiments have, for those that do not say it themselves."""


@dataclass(frozen=True)
class Field:
    """One field. `several`: a list of values; `least` and `most`: the limits of a number, both allowed."""

    name: str
    about: str
    shape: Shape
    several: bool
    choices: tuple[Any, ...]
    default: Any
    required: bool
    least: float | None = None
    most: float | None = None


def fields_of(kind: type[Request]) -> list[Field]:
    """The fields of a request, the model first and those without a default before the others."""
    named = sorted(kind.model_fields.items(), key=lambda item: (item[0] != "model", not item[1].is_required()))
    return [_field(name, info) for name, info in named]


def _field(name: str, info: FieldInfo) -> Field:
    inner, several = _inner(info.annotation)
    return Field(
        name=name,
        about=info.description or USUAL.get(name) or name.replace("_", " "),
        shape=_shape(inner),
        several=several,
        choices=get_args(inner) if get_origin(inner) is Literal else (),
        default=None if info.is_required() else info.get_default(call_default_factory=True),
        required=info.is_required(),
        least=_limit(info, "ge", "gt"),
        most=_limit(info, "le", "lt"),
    )


def _inner(annotation: Any) -> tuple[Any, bool]:
    """The type of one value, and whether there are several: X of `tuple[X, ...]`, and of `X | None`."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [part for part in get_args(annotation) if part is not type(None)]
        return _inner(rest[0])
    if get_origin(annotation) in (tuple, list, frozenset):
        return get_args(annotation)[0], True
    return annotation, False


def _shape(inner: Any) -> Shape:
    if get_origin(inner) is Literal:
        return "choice"
    return {bool: "flag", int: "whole", float: "number"}.get(inner, "text")  # type: ignore[return-value]


def _limit(info: FieldInfo, *names: str) -> float | None:
    """The limit that the field's rules name; an open one stands for the nearest value that a person writes."""
    for rule in info.metadata:
        for name in names:
            if (limit := getattr(rule, name, None)) is not None:
                step = 1 if _inner(info.annotation)[0] is int else 1e-9
                return limit + {"gt": step, "lt": -step}.get(name, 0)
    return None
