"""The page's address is the permalink: a View as a few readable query parameters, and back.

Invariant: `read(write(view))` is the view, and no parameter, however wrong, raises: it is named and left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.address import Address
from engine.core.choices import MAX_SEED, MAX_SEEDS, MAX_VARIANTS
from engine.core.errors import BadRequest
from engine.core.targets import IMAGE
from pages.sections.visualize.view import Compare, View


def write(view: View) -> dict[str, str]:
    """A view as query parameters; what is at its default is left out."""
    params = {"a": str(view.a)}
    if view.b:
        params["b"] = str(view.b)
    params |= {"recipe": view.recipe, "seed": str(view.seed)}
    if view.tuned:
        params["tuned"] = view.tuned
    if view.opposite:
        params["opposite"] = "1"
    if view.data != View.data:
        params["data"] = view.data
    if view.depth or view.compare:
        params["view"] = view.compare or "depth"
    if view.start:
        params["start"] = view.start
    if view.importance:
        params["importance"] = "1"
    params |= {name: str(getattr(view, name)) for name in ("several", "seeds") if getattr(view, name) > 1}
    return params


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
        problems.append(f"{name}: “{value[:40]}” is not one of {', '.join(known)}.")
        return default

    a, b = address("a"), address("b")
    a, b = (a, b) if a else (b, None)
    seed = params.get("seed", "0")
    if not seed.isascii() or not seed.isdigit() or len(seed) > 12 or int(seed) > MAX_SEED:
        problems.append(f"seed: “{seed[:40]}” is not a whole number from 0 to {MAX_SEED}.")
        seed = "0"
    recipe = choice("recipe", dict.fromkeys(recipes()), View.recipe)
    tuned = _tuned(recipe, params.get("tuned", ""), problems)
    opposite = choice("opposite", {"0": 0, "1": 1}, "0") == "1"
    shown = choice("view", {"layer": "", "depth": "", "recipes": "", "sites": ""}, "layer")
    compare: Compare = "recipes" if shown == "recipes" else "sites" if shown == "sites" else ""
    data = params.get("data") or View.data
    start = params.get("start", "")
    if start and not IMAGE.fullmatch(start):
        problems.append(f"start: “{start[:40]}” is not the number of an image, or up- and the digest of an upload.")
        start = ""
    importance = choice("importance", {"0": 0, "1": 1}, "0") == "1"
    several, seeds = (
        int(choice(name, {str(count): count for count in range(1, most + 1)}, "1"))
        for name, most in (("several", MAX_VARIANTS), ("seeds", MAX_SEEDS))
    )
    if a is None:
        return None, problems
    return View(
        a, b, recipe, int(seed), opposite, data, shown == "depth", start, importance, several, seeds, compare, tuned
    ), problems


def _tuned(recipe: str, text: str, problems: list[str]) -> str:
    """The changes of a link to its recipe in their one spelling; none where they are not understood or too much work."""
    from engine.visualization.recipes import recipe_named
    from engine.visualization.tuning import changed, changes, check_effort

    base = recipe_named(recipe)
    try:
        asked = changed(base, text)
        if asked is not base:
            check_effort(asked)
    except BadRequest as error:
        problems.append(f"tuned: {error}")
        return ""
    return changes(base, asked)


def recipes() -> tuple[str, ...]:
    """The names of the recipes that a link may ask for."""
    from engine.visualization.recipes import RECIPES

    return tuple(RECIPES)
