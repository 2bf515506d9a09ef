"""The one permalink codec: flat values as query parameters, and back, for pages whose state is a frozen pydantic model.

Values are written as text: lists with commas between them (a comma inside one as `\\,`), settings of their own as JSON. A model
may name fields that always stand in its links (`LINKED`). Invariant: `read(kind, write(view))` is the view, and no parameter,
however wrong, raises: it is named and left out. Knows no Streamlit.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from engine.core.request import reason

View = TypeVar("View", bound=BaseModel)
_EMPTY = "\\"
"""Stands for an empty text, which no address keeps."""
_PART = re.compile(r"(?:\\.|[^,\\]|\\$)+", re.DOTALL)
_LONGEST = 10_000
"""Letters of one parameter that are looked at; a link that was made here is far shorter."""


def write(view: BaseModel) -> dict[str, str]:
    """A view (plain values and tuples of them) as query parameters; what is at its default is left out."""
    params = {}
    for name, field in type(view).model_fields.items():
        value = getattr(view, name)
        always = field.is_required() or name in getattr(view, "LINKED", ())
        if always or value != field.get_default(call_default_factory=True):
            params[name] = as_text(value)
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
            view = kind.model_validate({name: _parsed(kind, name, text) for name, text in given.items()})
        except ValidationError as error:
            wrong = {str(part["loc"][0]): reason(part) for part in error.errors() if part["loc"]}
            wrong = {name: told for name, told in wrong.items() if name in given}
        else:
            wrong = {name: "it must be a number" for name in given if _endless(getattr(view, name))}
            if not wrong:
                return view, [*problems.values()]
        for name, told in wrong.items():
            told = told.rstrip(".")
            problems[name] = f"{name}: “{given.pop(name)[:40]}” is not valid: {told[0].lower()}{told[1:]}."
        if (
            not wrong
        ):  # nothing that was given is at fault: a required field is missing, or the fields do not go together
            return None, [*problems.values()]


def as_text(value: Any) -> str:
    """A value as a parameter's text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ",".join(_part(part) for part in value) or ","
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    return str(value) or _EMPTY


def from_text(text: str, several: bool) -> Any:
    """What `as_text` wrote, as pydantic reads it: a list where there may be several."""
    if several:
        return [_plain(part) for part in _PART.findall(text) if part.strip()]
    return "" if text == _EMPTY else text


def _part(value: Any) -> str:
    """One value of a list; a comma or a backslash in it does not end it."""
    return re.sub(r"([\\,])", r"\\\1", as_text(value))


def _plain(part: str) -> str:
    return re.sub(r"\\([\\,])", r"\1", part.strip())


def _parsed(kind: type[BaseModel], name: str, text: str) -> Any:
    """Text as pydantic reads the field: a list where it is a tuple, settings where it has some of their own."""
    annotation = kind.model_fields[name].annotation
    if text.startswith("{") and any(
        isinstance(part, type) and issubclass(part, BaseModel) for part in get_args(annotation)
    ):
        try:
            return json.loads(text)
        except ValueError:
            return text
    several = get_origin(annotation) is tuple
    value, inner = from_text(text, several), get_args(annotation)[0] if several else annotation
    # Pydantic takes the text of a number for the number, but not where it is one of several choices.
    meant = {str(choice): choice for choice in get_args(inner)} if get_origin(inner) is Literal else {}
    return [meant.get(part, part) for part in value] if several else meant.get(value, value)


def _endless(value: Any) -> bool:
    values = value if isinstance(value, tuple) else (value,)
    return any(isinstance(each, float) and not math.isfinite(each) for each in values)


def text(params: Mapping[str, str]) -> str:
    """Query parameters as they stand in the address, still readable: only what would be misread is escaped."""
    return "?" + "&".join(f"{name}={quote(value, safe='@:,./-_()*')}" for name, value in params.items())
