"""Where a figure's numbers come from, in a sentence: experiment, models, data, seed, precision and version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from engine import __version__
from engine.core.request import Result


def made_with(results: Sequence[Result]) -> str:
    """The sentence for the results behind a figure; the version alone where there is none."""
    requests = [result.request for result in results]
    parts = [
        _several("experiment", (f"{one['experiment']} (version {one['version']})" for one in requests)),
        _several("model", (_where(one) for one in requests)),
        _several("data", (str(one["data"]) for one in requests if one.get("data"))),
        _several("seed", (str(one["seed"]) for one in requests if "seed" in one)),
        ", ".join(dict.fromkeys(result.precision for result in results if result.precision)),
    ]
    said = "; ".join(filter(None, parts))
    return f"Vitrine {__version__}{f': {said}' if said else ''}."


def _where(request: dict[str, Any]) -> str:
    return "@".join(str(request[name]) for name in ("model", "site") if request.get(name))


def _several(name: str, values: Iterable[str]) -> str:
    different = [*dict.fromkeys(filter(None, values))]
    return f"{name}{'s' if len(different) > 1 and name != 'data' else ''} {', '.join(different)}" if different else ""
