"""Recipes of one's own: as changes to a named one, in a short text that links carry, in a file, or whole in a request.

    steps:64,jitter:8,finish:none,betas:0.5/0.9        on top of `fast`, say

Invariants: `changed(base, changes(base, recipe))` has the settings of `recipe`; a recipe with the settings of a named one
is that one; what cannot be read raises BadRequest, whoever wrote it. Knows no torch.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ValidationError

from engine.core.config import settings
from engine.core.errors import BadRequest
from engine.core.paths import brief
from engine.core.request import reason
from engine.visualization.recipe import ABOUT, CUSTOM, Finish, Recipe, View
from engine.visualization.recipes import ABLATIONS, RECIPES, recipe_named

LONGEST = 800
"""Characters of a text of changes."""
NONE = "none"
"""Takes a part (`finish`, `finish_whole`, `view`) away."""
PARTS: dict[str, type[BaseModel]] = {"finish": Finish, "finish_whole": Finish, "view": View}
"""The settings that are parts with settings of their own: `finish.after`."""
SHOWN = 4
"""Changes that a label names; the others are counted."""


def _whole_or_named(value: Any) -> str | Recipe:
    """A recipe as requests hold it: a name where its settings have one, else the settings under no name."""
    if isinstance(value, str):
        try:
            return recipe_named(value).name
        except BadRequest as error:
            raise ValueError(str(error)) from None
    if isinstance(value, Recipe):
        value = value.model_dump()
    if not isinstance(value, Mapping):
        raise ValueError("Write the name of a recipe, or all of its settings.")
    try:
        recipe = Recipe.model_validate({name: value[name] for name in value if name not in ABOUT})
    except ValidationError as error:
        raise ValueError(_said(error)) from None
    named = (known for known in (*RECIPES.values(), *ABLATIONS.values()) if known.settings == recipe.settings)
    return next((known.name for known in named), recipe)


GivenRecipe = Annotated[str | Recipe, BeforeValidator(_whole_or_named)]
"""A request's field: the name of a recipe, or a whole one."""


def recipe_of(given: str | Recipe) -> Recipe:
    """The recipe that a request means. Raises BadRequest for a name that there is none of."""
    return recipe_named(given) if isinstance(given, str) else given


def check_pixels(model: str, size: tuple[int, int]) -> None:
    """Raises BadRequest for a model whose input, and so its pictures, has more pixels than the settings allow."""
    most = settings().limits.pixels_per_picture
    if most and size[0] * size[1] > most:
        raise BadRequest(
            f"{model} takes images of {size[0]} x {size[1]} pixels; here pictures have at most {most:,} (pixels_per_picture). "
            "Choose a model with a smaller input."
        )


def check_effort(given: str | Recipe) -> None:
    """Raises BadRequest for a recipe without a name that takes more passes than the settings allow; those with a name
    are in the hands of whoever runs Vitrine."""
    most = settings().limits.passes_per_picture
    if not isinstance(given, str) and given.passes > most:
        raise BadRequest(
            f"{given.steps} steps with {given.copies} copies are {given.passes} passes a picture; here at most {most} are "
            "allowed (passes_per_picture). Take fewer steps or copies."
        )


def label(given: str | Recipe, base: Recipe | None = None) -> str:
    """A recipe for people: its name, or what it has changed of `base` (default: the named one that is nearest to it)."""
    if isinstance(given, str):
        return given
    if given.name != CUSTOM:
        return given.name
    base = base or nearest(given)
    told = [
        f"{path.replace('_', ' ').replace('.', ' ')} {_written(value)}"
        for path, value in _differences(base, given).items()
    ]
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return f"{base.name}, changed: {', '.join(told[:SHOWN])}{more}"


def nearest(recipe: Recipe) -> Recipe:
    """The named recipe that the fewest settings tell it from; of several the first."""
    return min(RECIPES.values(), key=lambda known: len(_differences(known, recipe)))


def changes(base: Recipe, recipe: Recipe) -> str:
    """What the recipe has otherwise than `base`, as `changed` reads it: nothing where they make the same pictures."""
    return ",".join(f"{path}:{_written(value)}" for path, value in _differences(base, recipe).items())


def changed(base: Recipe, text: str) -> Recipe:
    """The recipe that `base` becomes by changes like `steps:64,finish.after:0.3,view:none`. Raises BadRequest for a setting
    that there is not, or is named twice, for a value outside its limits, and for more than 800 characters."""
    if len(text) > LONGEST:
        raise BadRequest(f"The changes to the recipe have {len(text):,} characters; at most {LONGEST} are read.")
    given: dict[str, Any] = {}
    for piece in filter(None, text.split(",")):
        path, colon, value = piece.partition(":")
        if not colon or path not in SETTINGS:
            raise BadRequest(f"“{brief(piece)}” changes no setting of a recipe. Write steps:64 or finish.after:0.3.")
        if path in given:
            raise BadRequest(f"The recipe's setting “{path}” is changed twice.")
        given[path] = None if value == NONE and path in PARTS else value.split("/") if path in PAIRS else value
    return with_changes(base, given)


def with_changes(base: Recipe, given: Mapping[str, Any]) -> Recipe:
    """The recipe with these settings changed, by path (`steps`, `finish.after`). Raises BadRequest where one does not fit."""
    recipe = _filled(base.settings, given)
    return base if recipe.settings == base.settings else recipe


def _filled(fields: dict[str, Any], given: Mapping[str, Any]) -> Recipe:
    for path, value in given.items():
        part, dot, name = path.partition(".")
        if not dot:
            fields[part] = value
        else:
            before = fields.get(part)
            before = before.model_dump() if isinstance(before, BaseModel) else before
            fields[part] = {**(before or {}), name: value}
    try:
        return Recipe.model_validate(fields)
    except ValidationError as error:
        raise BadRequest(f"The recipe: {_said(error)}") from None


def tuned(name: str, text: str) -> str | Recipe:
    """What a request is given for a named recipe and changes to it. Raises BadRequest as `recipe_named` and `changed` do."""
    return _whole_or_named(changed(recipe_named(name), text)) if text else name


def read_recipe(data: bytes, ending: str, label: str) -> Recipe:
    """A recipe from a TOML or JSON file: its settings, those of `base` (a recipe's name) where it does not say them.

    A part is a table, or "none". Raises BadRequest, with the file's `label`, for anything else.
    """
    try:
        text = data.decode()
        fields = tomllib.loads(text) if ending == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{label} cannot be read as a recipe: {str(error).splitlines()[0][:120]}.") from None
    if not isinstance(fields, dict):
        raise BadRequest(f"{label} cannot be read as a recipe: it holds no settings by name.")
    base = fields.pop("base", None)
    given = {name: None if value == NONE and name in PARTS else value for name, value in fields.items()}
    if base is not None:
        parts = {name: part for name, part in given.items() if name in PARTS and isinstance(part, dict)}
        given = {name: value for name, value in given.items() if name not in parts}
        given |= {f"{name}.{inner}": value for name, part in parts.items() for inner, value in part.items()}
    try:
        start = {} if base is None else recipe_named(str(base)).settings
        return _filled(start, {name: given[name] for name in given if name not in ABOUT})
    except BadRequest as error:
        raise BadRequest(f"{label}: {error}") from None


def _paths() -> dict[str, Any]:
    """Every setting that can be changed, by path, with its field."""
    out: dict[str, Any] = {}
    for name, field in Recipe.model_fields.items():
        if name not in ABOUT:
            out[name] = field
        if name in PARTS:
            out |= {f"{name}.{inner}": inside for inner, inside in PARTS[name].model_fields.items()}
    return out


SETTINGS = _paths()
PAIRS = tuple(path for path, field in SETTINGS.items() if "tuple" in str(field.annotation))


def _flat(recipe: Recipe) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in recipe.settings.items():
        if isinstance(value, BaseModel):
            out |= {f"{name}.{inner}": getattr(value, inner) for inner in type(value).model_fields}
        else:
            out[name] = value
    return out


def _differences(base: Recipe, recipe: Recipe) -> dict[str, Any]:
    """The settings by path that `recipe` has and `base` has not, or has otherwise. A part that `base` is without begins
    at its own defaults."""
    before = _flat(base)
    for path in SETTINGS:
        part, dot, _ = path.partition(".")
        if dot and getattr(base, part) is None and not SETTINGS[path].is_required():
            before[path] = SETTINGS[path].default
    return {path: value for path, value in _flat(recipe).items() if path not in before or before[path] != value}


def _written(value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, tuple):
        return "/".join(map(_written, value))
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() and abs(value) < 1e9 else str(value)


def _said(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {reason(first).removesuffix('.')}." if where else f"{reason(first).removesuffix('.')}."
