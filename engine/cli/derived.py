"""Commands of experiments that nobody wrote a command for: options from the fields of the request, tables as the answer.

Invariant: whatever stands in the registry can be asked for here, with the same key as on its page.
"""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from engine.cli.answer import Answer, table
from engine.cli.asking import ask, data_name
from engine.cli.files import image, recipe, vocabulary
from engine.cli.rows import left_out, skipped, tables_of
from engine.core.address import parse_units
from engine.core.config import settings
from engine.core.experiments import find
from engine.core.fields import Field, fields_of
from engine.core.request import Result, build
from engine.evaluation.applies import check_applies

DEST = "field_"
"""Begins the names of what options of fields are kept under, so that no field hides another argument."""
SHOWN_ROWS = 40


@cache
def _readers() -> dict[str, Callable[[str], Any]]:
    """How text becomes the value of a field of this name, where it is more than text."""
    return {"data": data_name, "vocabulary": vocabulary, "image": image, "start": image, "recipe": recipe}


def add_options(parser: ArgumentParser, name: str) -> None:
    """An option for each field of the experiment's request. Imports the experiment. Raises BadRequest where it is unknown."""
    for field in fields_of(find(name).kind):
        _add_option(parser, field)


def _add_option(parser: ArgumentParser, field: Field) -> None:
    option, dest = f"--{field.name.replace('_', '-')}", f"{DEST}{field.name}"
    about = field.about.replace("%", "%%")
    if field.shape == "flag" and not field.several:
        parser.add_argument(
            option, dest=dest, default=None, help=f"{about} (default: {'yes' if field.default else 'no'})",
            action=BooleanOptionalAction,
        )  # fmt: skip
        return
    if not field.required and field.default not in ("", None, ()):
        shown = " ".join(map(str, field.default)) if field.several else field.default
        about += f" (default: {shown})".replace("%", "%%")
    parser.add_argument(
        option,
        dest=dest,
        default=None,
        required=field.required,
        nargs="+" if field.several else None,
        choices=[str(choice) for choice in field.choices] or None,
        metavar=None if field.choices else {"whole": "N", "number": "X"}.get(field.shape, field.name.upper()),
        help=about,
    )


def carry_out(arguments: Namespace) -> Answer:
    """The result of the request that the options make: its tables, its key and how it was computed."""
    entry = find(arguments.experiment)
    given = {}
    for field in fields_of(entry.kind):
        value = getattr(arguments, f"{DEST}{field.name}")
        if value is not None:
            given[field.name] = _value(field, value)
    request = build(entry.kind, **given)
    check_applies(request)
    result, stored = ask(request)
    tables = tables_of(result)
    facts = {
        "experiment": entry.name,
        "request": result.request,
        "key": request.key(),
        "stored": stored,
        "device": result.facts.get("device"),
        "precision": result.precision or None,
        "seconds": result.facts.get("seconds"),
        "facts": result.facts,
        "tables": tables,
        "arrays": {name: {"shape": array.shape, "dtype": str(array.dtype)} for name, array in result.arrays.items()},
        "skipped": skipped([result]),
        "notes": entry.kind.notes(result),
    }
    return Answer(facts, _text(entry.title, result, facts))


def _value(field: Field, value: Any) -> Any:
    """A field's value from the text of its option. Raises VitrineError for one that cannot be read."""
    if field.name == "units" and field.shape == "whole" and field.several:
        return parse_units(",".join(value), settings().units_limit)
    if isinstance(value, str):
        value = _readers().get(field.name, str)(value)
    return _chosen(field, value)


def _chosen(field: Field, value: Any) -> Any:
    """The choices that were written, as they are meant: 1 and not its text."""
    if not field.choices:
        return tuple(value) if field.several else value
    meant = {str(choice): choice for choice in field.choices}
    return tuple(meant[text] for text in value) if field.several else meant[value]


def _text(title: str, result: Result, facts: dict[str, Any]) -> str:
    parts = [title, *facts["notes"]]
    for name, rows in facts["tables"].items():
        lines = [tuple(_cell(value) for value in row.values()) for row in rows[:SHOWN_ROWS]]
        more = f"\n... {len(rows) - SHOWN_ROWS} more rows (--json has all)" if len(rows) > SHOWN_ROWS else ""
        parts.append(f"{name}\n{table(tuple(rows[0]), lines)}{more}" if rows else f"{name}: no rows")
    if result.arrays:
        parts.append(table(("array", "shape", "type"), [_shape(name, array) for name, array in result.arrays.items()]))
    how = [f"{name} {facts[name]}" for name in ("device", "precision") if facts[name]]
    how += ["stored already"] if facts["stored"] else [f"{facts['seconds']:.1f} s"] if facts["seconds"] else []
    parts.append("\n".join([", ".join([f"key {facts['key']}", *how]), *left_out(facts["skipped"])]))
    return "\n\n".join(parts)


def _cell(value: Any) -> Any:
    return " to ".join(f"{end:.4g}" for end in value) if isinstance(value, list) else value


def _shape(name: str, array: np.ndarray) -> tuple[str, str, str]:
    return name, " x ".join(map(str, array.shape)) or "one number", str(array.dtype)
