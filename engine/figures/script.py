"""A script of a few lines that makes a figure's results again, and the command that does the same where there is one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from engine.core import experiments
from engine.core.address import Address
from engine.core.request import Request

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
    """What makes the pictures of a `visualize` request in a shell; empty for a request of another experiment, or for one with
    settings that are no option."""
    fields = _given(request)
    address = _address(fields)
    if request.experiment != "visualize" or not address:
        return ""
    words = ["python", "-m", "engine", "visualize", address]
    for name in ("recipe", "seed", "data"):
        if name in fields:
            words += [f"--{name}", str(fields.pop(name))]
    return "" if fields else shlex.join([*words, "--out", "pictures"])


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
