"""The page's address is the permalink: a View as a few readable query parameters, and back.

Invariant: `read(write(view))` is the view, and no parameter, however wrong, raises: it is named and left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from engine.address import Address
from engine.errors import BadRequest
from pages.common.view import View

_BIGGEST_SEED = 2**31 - 1


def write(view: View) -> dict[str, str]:
    """A view as query parameters; what is at its default is left out."""
    params = {"a": str(view.a)}
    if view.b:
        params["b"] = str(view.b)
    params |= {"recipe": view.recipe, "seed": str(view.seed)}
    if view.opposite:
        params["opposite"] = "1"
    if view.data != View.data:
        params["data"] = view.data
    if view.depth:
        params["view"] = "depth"
    return params


def text(params: Mapping[str, str]) -> str:
    """Query parameters as they stand in the address, still readable: only what would be misread is escaped."""
    return "?" + "&".join(f"{name}={quote(value, safe='@:,./-_()*')}" for name, value in params.items())


def read(params: Mapping[str, str]) -> tuple[View | None, list[str]]:
    """The view that a link asks for (None where it names no unit), and what in it could not be understood."""
    problems: list[str] = []

    def address(name: str) -> Address | None:
        if not params.get(name):
            return None
        try:
            return Address.parse(params[name])
        except BadRequest as error:
            problems.append(f"{name}: {error}")
            return None

    def choice(name: str, known: Mapping[str, object], default: str) -> str:
        value = params.get(name, default)
        if value in known:
            return value
        problems.append(f"{name}: “{value[:40]}” is none of {', '.join(known)}.")
        return default

    a, b = address("a"), address("b")
    a, b = (a, b) if a else (b, None)
    seed = params.get("seed", "0")
    if not seed.isascii() or not seed.isdigit() or int(seed[:12]) > _BIGGEST_SEED:
        problems.append(f"seed: “{seed[:40]}” is not a whole number from 0 to {_BIGGEST_SEED}.")
        seed = "0"
    recipe = choice("recipe", dict.fromkeys(recipes()), View.recipe)
    opposite = choice("opposite", {"0": 0, "1": 1}, "0") == "1"
    depth = choice("view", {"layer": 0, "depth": 1}, "layer") == "depth"
    data = params.get("data") or View.data
    return (View(a, b, recipe, int(seed), opposite, data, depth) if a else None), problems


def recipes() -> tuple[str, ...]:
    """The names of the recipes that a link may ask for."""
    from engine.recipes import RECIPES

    return tuple(RECIPES)
