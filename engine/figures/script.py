"""A script of a few lines that makes a figure's results again, and the command that does the same where there is one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from engine.core import experiments
from engine.core.address import Address
from engine.core.request import Request

_SAMPLE = {"data", "limit"}
COMPARING = {
    "background": {"cut", "fills", *_SAMPLE},
    "frequency": {"filter", "cutoffs", *_SAMPLE},
    **{name: _SAMPLE for name in ("counterfactual", "texture", "gradient-spectrum", "challenge")},
}
"""Experiments whose commands compare models, and which fields are options there."""
SPATIAL = ("spatial-layers", "spatial-last", "spatial-moves")
OPTIONS = {
    "visualize": {"recipe", "seed", "data"},
    **{name: {"model", "data"} for name in SPATIAL},
    **COMPARING,
    **{name: set[str]() for name in ("name-units", "find-units", "purity")},
}
"""Of experiments whose command was written by hand, the fields that it takes; one that takes none asks for more than that."""
COMMANDS = {"gradient-spectrum": "spectrum", **{name: "spatial" for name in SPATIAL}}
"""Commands with another name than their experiment."""
HEAD = "import vitrine  # pip install -e VITRINE"


def python(requests: Sequence[Request]) -> str:
    """Through the notebook door; settings at their defaults are left out."""
    lines = [HEAD, ""]
    for number, request in enumerate(requests):
        name, fields = request.experiment.replace("-", "_"), _given(request)
        subject = repr(_address(fields) or fields.pop("model", ""))
        rest = [f"{field}={value!r}" for field, value in fields.items()]
        result = "result" if len(requests) == 1 else f"result_{number}"
        lines.append(f"{result} = vitrine.{name}({', '.join([subject, *rest])})")
        lines.append(f'{result}.save("{request.experiment}-{number}")')
    return "\n".join(lines) + "\n"


def command(request: Request) -> str:
    """What makes the same in a shell; empty where no command takes all that the request says."""
    name, fields = request.experiment, _given(request)
    words, last = ["python", "-m", "engine", COMMANDS.get(name, name)], []
    if name == "visualize":
        words, last = [*words, _address(fields)], ["--out", "pictures"]
    elif name in COMPARING:
        words += ["--models", fields.pop("model")]
        if name == "background":  # whose command has a choice of its own
            fields["cut"] = request.model_dump()["cut"]
        elif name == "gradient-spectrum" and "images" in fields:  # which its command has as --limit
            fields["limit"] = fields.pop("images")
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
