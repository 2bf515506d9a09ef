"""A script of a few lines that makes a figure's results again, and the command that does the same where there is one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from engine.core import experiments
from engine.core.address import Address
from engine.core.request import Request

COMPARING = {
    "background": {"data", "cut", "fills", "limit"},
    "frequency": {"data", "filter", "cutoffs", "limit"},
    **dict.fromkeys(("counterfactual", "texture", "gradient-spectrum", "challenge"), {"data", "limit"}),
}
"""Experiments whose commands compare models, and which fields are options there."""
SPATIAL = ("spatial-layers", "spatial-last", "spatial-moves")
OPTIONS = {
    "visualize": {"recipe", "seed", "data"},
    **dict.fromkeys(SPATIAL, {"model", "data"}),
    **COMPARING,
    **dict.fromkeys(("name-units", "find-units", "purity"), set[str]()),
}
"""Of experiments whose command was written by hand, the fields that it takes; one that takes none asks for more than that."""
COMMANDS = {"gradient-spectrum": "spectrum", **dict.fromkeys(SPATIAL, "spatial")}
"""Commands with another name than their experiment."""
HEAD = "import vitrine  # pip install -e VITRINE"


def python(requests: Sequence[Request]) -> str:
    """Through the notebook door; settings at their defaults are left out."""
    lines = [HEAD, ""]
    for number, request in enumerate(requests):
        name, fields = request.experiment, _given(request)
    words, last = ["python", "-m", "engine", COMMANDS.get(name, name)], []
    if name == "visualize":
        words, last = [*words, _address(fields)], ["--out", "pictures"]
    elif name in COMPARING:
        words += ["--models", fields.pop("model")]
        if name == "background":  # whose command has a choice of its own
            fields["cut"] = request.model_dump()["cut"]
    options = [_option(field, value) for field, value in fields.items()]
    if "" in words or None in options or fields.keys() - OPTIONS.get(name, fields.keys()):
        return ""
    return shlex.join([*words, *(word for option in options for word in option or ()), *last])


def _option(field: str, value: Any) -> list[str] | None:
    """A field as an option of a command; None for what cannot be written there."""
    option = f"--{field.replace('_', '-')}"
    if isinstance(value, bool):
        return [option if value else f"--no-{option[2:]}"]
    values = value if isinstance(value, list) else [value]
    return [option, *map(str, values)] if all(isinstance(each, (str, int, float)) for each in values) else None


def again(facts: Sequence[Mapping[str, Any]]) -> list[Request]:
    """Requests of the facts that results and figures carry. Raises BadRequest for what is none."""
    return [experiments.parse_request(dict(one)) for one in facts]


def _given(request: Request) -> dict[str, Any]:
    """The fields that are not at their default, as plain values."""
    plain = request.model_dump(mode="json")
    defaults = {name: field.default for name, field in type(request).model_fields.items()}
    return {name: value for name, value in plain.items() if getattr(request, name) != defaults[name]}


def _address(fields: dict[str, Any]) -> str:
    """Model, site, units and targets as one address, taken out of the fields; empty where there is none."""
    if "site" not in fields or not (fields.get("units") or fields.get("targets")):
        return ""
    taken = [fields.pop(name, ()) for name in ("units", "targets")]
    return str(Address(fields.pop("model"), fields.pop("site"), tuple(taken[0]), tuple(taken[1])))
