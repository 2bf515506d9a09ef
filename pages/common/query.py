"""Flat values as query parameters, and back: the permalink of any page whose state is one frozen pydantic model.

Invariant: `read(kind, write(view))` is the view, and no parameter, however wrong, raises: it is named and left out.
Knows no Streamlit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar, get_origin
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

View = TypeVar("View", bound=BaseModel)
_LONGEST = 2000
"""Letters of one parameter that are looked at; a link that was made here is far shorter."""


def write(view: BaseModel) -> dict[str, str]:
    """A view (plain values and tuples of them) as query parameters; what is at its default is left out."""
    params = {}
    for name, field in type(view).model_fields.items():
        value = getattr(view, name)
        if field.is_required() or value != field.get_default(call_default_factory=True):
            params[name] = _text(value)
    return params


def read(kind: type[View], params: Mapping[str, str]) -> tuple[View | None, list[str]]:
    """The view that a link asks for, and what in it could not be understood, one line each.

    What is wrong counts as not given. None where a field without a default is then missing. Parameters that the
    view does not have are ignored.
    """
    given: dict[str, Any] = {name: params[name] for name in kind.model_fields if params.get(name)}
    problems: dict[str, str] = {}
    for name in [name for name, text in given.items() if len(text) > _LONGEST]:
        problems[name] = f"{name}: “{given.pop(name)[:40]}…” is too long."
    while True:
        try:
            made = kind.model_validate({name: _parsed(kind, name, text) for name, text in given.items()})
        except ValidationError as error:
            wrong = {str(part["loc"][0]): part["msg"] for part in error.errors() if part["loc"]}
            wrong = {name: reason for name, reason in wrong.items() if name in given}
        else:
            wrong = {name: "it must be a number" for name in given if _endless(getattr(made, name))}
            if not wrong:
                return made, [*problems.values()]
        for name, reason in wrong.items():
            reason = reason.removeprefix("Value error, ").rstrip(".")
            problems[name] = f"{name}: “{given.pop(name)[:40]}” is not valid: {reason[0].lower()}{reason[1:]}."
        if (
            not wrong
        ):  # nothing that was given is at fault: a required field is missing, or the fields do not go together
            return None, [*problems.values()]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ",".join(map(_text, value))
    return str(value)


def _parsed(kind: type[BaseModel], name: str, text: str) -> Any:
    """Text as pydantic reads it: a list where the field is a tuple."""
    if get_origin(kind.model_fields[name].annotation) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _endless(value: Any) -> bool:
    values = value if isinstance(value, tuple) else (value,)
    return any(isinstance(each, float) and not math.isfinite(each) for each in values)


def text(params: Mapping[str, str]) -> str:
    """Query parameters as they stand in the address, still readable: only what would be misread is escaped."""
    return "?" + "&".join(f"{name}={quote(value, safe='@:,./-_()*')}" for name, value in params.items())
