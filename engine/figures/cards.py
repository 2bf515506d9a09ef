"""Results of `visualize` as a sheet of cards: each unit's picture, its numbers in a line, its strongest images below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.core.request import Result
from engine.figures.layout import Card, Row, Sheet

WHERE = ("model", "site")
Beside = Callable[[Result, int], Sequence[np.ndarray]]
"""(result, place of a picture in it) -> the images to stand below it."""


def sheet_of(results: Sequence[Result], colours: Sequence[str] = (), beside: Beside | None = None) -> Sheet:
    """A row for each result. Its finding counts the pictures that are above all of their controls."""
    rows = [
        Row(
            f"{result.request['model']} @ {result.request['site']}",
            tuple(_card(result, place, beside) for place in range(len(result.arrays["images"]))),
            *(colours[number : number + 1]),
        )
        for number, result in enumerate(results)
    ]
    good, count = (sum(each) for each in zip(*(_counted(result) for result in results), strict=True))
    title = "What a unit responds to" if count == 1 else f"What {count} units respond to"
    return Sheet(tuple(rows), title, _finding(good, count), caption(results))


def numbers(results: Sequence[Result]) -> pd.DataFrame:
    """The numbers of every picture, with the layer of its unit."""
    told = [result.tables["units"].assign(**{name: result.request[name] for name in WHERE}) for result in results]
    return pd.concat(told)[[*WHERE, *told[0].columns.difference([*WHERE], sort=False)]] if told else pd.DataFrame()


def only(result: Result, place: int) -> Result:
    """The result of one of its pictures, as if that had been asked for alone. It keeps the key of the whole."""
    units = list(result.request["units"])
    targets = list(result.request.get("targets", ()))
    one = {"units": units[place : place + 1], "targets": [] if place < len(units) else [targets[place - len(units)]]}
    request = {**result.request, **one}
    if not request["targets"]:
        del request["targets"]
    arrays = {
        name: array[place : place + 1]
        for name, array in result.arrays.items()
        if len(array) == len(units) + len(targets)
    }
    tables = {"units": result.tables["units"].iloc[place : place + 1]}
    return Result(request, arrays, tables, result.facts, result.key)


def caption(results: Sequence[Result]) -> str:
    """How the pictures were made and what the numbers are, in sentences."""
    made = dict.fromkeys((_recipe(result), int(result.request.get("seed", 0))) for result in results)
    recipes = ", ".join(f"recipe {name}, seed {seed}" for name, seed in made)
    data = ", ".join(dict.fromkeys(str(result.request.get("data", "")) for result in results))
    return (
        f"Pictures optimized from noise to activate one unit each ({recipes}). Factors: activation over that of the unit's "
        f"strongest image of “{data}”, both averaged over 16 fresh augmentations, with 95% intervals over these."
    )


def _recipe(result: Result) -> str:
    recipe = result.request.get("recipe", "fast")
    return str(recipe.get("name", "of its own")) if isinstance(recipe, dict) else str(recipe)


def _card(result: Result, place: int, beside: Beside | None) -> Card:
    facts: dict[str, Any] = result.tables["units"].iloc[place].to_dict()
    lines = [f"unit {facts['unit']}" if isinstance(facts["unit"], int | np.integer) else str(facts["unit"])]
    ratio, low, high = (float(facts.get(name, np.nan)) for name in ("ratio_to_best_scene", "ratio_low", "ratio_high"))
    if np.isfinite(ratio):
        between = f" ({_short(low)} to {_short(high)})" if np.isfinite(low) else ""
        lines.append(f"{_short(ratio)}×{between}")
    if bool(facts["failed"]):
        lines.append("not above its controls")
    return Card(result.arrays["images"][place], tuple(lines), tuple(beside(result, place)) if beside else ())


def _short(value: float) -> str:
    """With one decimal place below ten."""
    return f"{value:.1f}" if abs(value) < 9.95 else f"{value:.0f}"


def _counted(result: Result) -> tuple[int, int]:
    failed = result.tables["units"]["failed"].to_numpy(bool)
    return int((~failed).sum()), len(failed)


def _finding(good: int, count: int) -> str:
    if count == 1:
        return "The picture is above all of its controls." if good else "The picture is not above all of its controls."
    return f"{good} of {count} pictures are above all of their controls: blanks, noise (and a sixth), 95% of images."
