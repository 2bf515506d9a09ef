"""Results as commands tell them: rows of tables for scripts, what all results have in common, and what was left out.

Invariant: in a row, an interval is one pair; what is not there is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from engine.cli.asking import ask
from engine.core.request import Request, Result


def ask_all(requests: Sequence[Request]) -> tuple[list[Result], dict[str, Any]]:
    """The results, one after the other, and the facts that every command tells about them.

    Raises VitrineError for a model or data that is not here before anything is measured.
    """
    keys = [request.key() for request in requests]
    answers = [ask(request) for request in requests]
    results = [result for result, _ in answers]
    about = {
        "data": requests[0].model_dump()["data"],
        "keys": keys,
        "stored": [stored for _, stored in answers],
        "seconds": [result.facts["seconds"] for result in results],
        "device": results[0].facts["device"],
        "precision": [result.precision for result in results],
    }
    return results, about


def tables_of(result: Result) -> dict[str, list[dict[str, Any]]]:
    """Every table of a result as rows."""
    return {name: rows_of(table) for name, table in result.tables.items()}


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, as `row_of` says."""
    return [row_of(cells) for cells in table.to_dict("records")]


def row_of(cells: Mapping[Any, Any]) -> dict[str, Any]:
    """A table's row: `low` and `high` as one `interval`, each `..._low` and `..._high` as one `..._interval`, NaN as None."""
    plain = {name: None if isinstance(value, float) and pd.isna(value) else value for name, value in cells.items()}
    ends = [name for name in cells if name.endswith("_low")] + (["low"] if "low" in cells else [])
    for start in (name.removesuffix("low") for name in ends):
        low, high = plain.pop(f"{start}low"), plain.pop(f"{start}high")
        plain[f"{start}interval"] = None if low is None else [low, high]
    return plain


def skipped(results: Sequence[Result]) -> list[list[str]]:
    """What was left out by any of the results, each entry once. Results of former versions may not tell it."""
    entries = (tuple(entry) for result in results for entry in result.facts.get("skipped", ()))
    return [list(entry) for entry in dict.fromkeys(entries)]


def left_out(entries: Sequence[Sequence[str]]) -> list[str]:
    """What was left out, for people: a line each."""
    return [f"left out: {what}: {why}" for what, why in entries]
