"""The experiments as functions: one for each request that the engine knows, its arguments the request's fields."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from os import PathLike
from typing import Any

from engine.cli.asking import data_name
from engine.cli.files import vocabulary
from engine.core import config
from engine.core import experiments as registry
from engine.core.address import parse_selection
from engine.core.config import settings
from engine.core.errors import BadRequest
from engine.core.request import Request, build, one_request
from engine.data.registry import paths_may_be_typed
from engine.jobs.runner import Runner
from vitrine.loading import Model
from vitrine.pictures import as_reference
from vitrine.progress import bar
from vitrine.results import Result

_ALSO = {"search": "find_units"}
_IMAGES = {"image", "start"}
_MODELS = {"model", "reader"}
_NOTES = """
Call it with the request's fields. Where a field is

- `model` (or `reader`): a name or a `vitrine.Model`; several models as a list give a list of results;
- `model` of an experiment on one site: also an address, "model@site:units" or "model@site", in place of the fields after it;
- `units`: a number, several, a range, or text like "0-7,120@3x5";
- `image` or `start`: the number of an image of the data set, or an image: PIL, a path, an array, a tensor;
- `data`: a data set's name or a folder; `vocabulary`: a name, or a file with a word on each line.

Returns a `vitrine.Result`, from the cache where it is there. Raises VitrineError for what cannot be carried out.
"""


@cache
def functions() -> dict[str, Callable[..., Any]]:
    """All experiments by the names they have in Python."""
    made = {name: function(name, kind, ask) for name, kind in kinds().items()}
    return made | {also: made[name] for also, name in _ALSO.items()}


def kinds() -> dict[str, type[Request]]:
    """The requests of all experiments by the names they have in Python."""
    registry.import_plugins()
    return {name.replace("-", "_"): each.kind for name, each in registry.experiments().items() if not each.part}


def function(name: str, kind: type[Request], ask: Callable[[Request], Result]) -> Callable[..., Any]:
    """An experiment as a function that makes its request and asks for the result: here, or on a server."""
    signature = _signature(kind)

    def experiment(*args: Any, **fields: Any) -> Result | list[Result]:
        given = signature.bind_partial(*args, **fields).arguments
        with one_request(), paths_may_be_typed():
            if isinstance(models := given.get("model"), list | tuple):
                return [ask(request(kind, {**given, "model": model})) for model in models]
            return ask(request(kind, given))

    experiment.__name__ = experiment.__qualname__ = name
    experiment.__module__ = __package__ or __name__
    experiment.__doc__ = f"{inspect.cleandoc(kind.__doc__ or '')}\n{_NOTES}"
    experiment.__signature__ = signature  # type: ignore[attr-defined]
    return experiment


def _signature(kind: type[Request]) -> inspect.Signature:
    """The request's fields, the model first and those without a default before the others."""
    fields = sorted(kind.model_fields.items(), key=lambda item: (item[0] != "model", not item[1].is_required()))
    # Only a model may stand without its name being written: it is clear what it is.
    rest = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD if place == 0 else rest,
            default=inspect.Parameter.empty if field.is_required() else field.default,
            annotation=field.annotation,
        )
        for place, (name, field) in enumerate(fields)
    ]
    return inspect.Signature(parameters, return_annotation=Result)


def request(kind: type[Request], given: dict[str, Any]) -> Request:
    """The request that these arguments make. Raises BadRequest for values that do not fit."""
    fields = {name: _value(name, value) for name, value in given.items()}
    if "@" in fields.get("model", "") and "site" in kind.model_fields:
        fields = _addressed(kind, fields)
    if isinstance(selection := fields.get("units"), str):
        units, targets = parse_selection(selection, settings().units_limit)
        fields["units"] = units
        if targets:
            fields["targets"] = (*targets, *fields.get("targets", ()))
    if missing := [name for name, field in kind.model_fields.items() if field.is_required() and name not in fields]:
        raise BadRequest(f"{missing[0]} is missing: {kind.experiment} requires it. help() lists the fields.")
    return build(kind, **fields)


def _addressed(kind: type[Request], fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with an address in place of the model taken apart. Raises BadRequest where a part is given twice."""
    model, _, rest = fields["model"].partition("@")
    site, colon, selection = rest.partition(":")
    parts = {"site": site, **({"units": selection} if colon else {})}
    if colon and "units" not in kind.model_fields:
        raise BadRequest(f"{kind.experiment} applies to a whole site: write {model}@{site}, without units.")
    if twice := sorted(parts.keys() & fields.keys()):
        raise BadRequest(f"The address {fields['model']} says the {twice[0]} already. Give it once.")
    return {**fields, "model": model, **parts}


def _value(name: str, value: Any) -> Any:
    """A field's value as the request takes it."""
    if name in _MODELS:
        return value.name if isinstance(value, Model) else value
    if name in _IMAGES and not (isinstance(value, str) and not value):
        return as_reference(value)
    if name == "data" and isinstance(value, str | PathLike):
        return data_name(str(value))
    if name == "vocabulary" and isinstance(value, str | PathLike):
        return vocabulary(str(value))
    if name == "units" and not isinstance(value, str):
        return (
            (int(value),)
            if not isinstance(value, Sequence | range) and not hasattr(value, "__iter__")
            else tuple(value)
        )
    return (value,) if name == "targets" and isinstance(value, str) else value


def ask(request: Request) -> Result:
    """The result of a request: from the cache, or computed here under a progress bar."""
    runner = Runner(config.store())
    with bar(request.experiment) as shown:
        result = runner.fetch(request, shown.show)
    return Result.of(result, runner.warning(request.key()))
