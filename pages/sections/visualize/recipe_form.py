"""The form "Tune the recipe": every setting of the chosen recipe as a widget; what differs from it goes into the view."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, get_args

import streamlit as st

from engine.core.errors import BadRequest
from pages.common import errors
from pages.common.units.view import View
from pages.common.widgets import KEEP

if TYPE_CHECKING:
    from engine.visualization.recipe import Recipe


OPEN = "fv_tuning"
"""The session's key of whether the form is open."""


def key(recipe: str, path: str) -> str:
    """The session's key of one setting's widget; each recipe has its own, so that each keeps its own changes."""
    return f"fv_tune_{recipe}_{path}"


def fill(view: View) -> None:
    """Put the changes of a view into the form, before it is drawn. Raises BadRequest for those of no recipe."""
    from engine.visualization.recipes import recipe_named
    from engine.visualization.tuning import changed

    base = recipe_named(view.recipe)
    _put(base, changed(base, view.tuned))


def popover(view: View) -> View | None:
    """The form; gives the view with what is changed, or None (and says why) where that is no recipe."""
    from engine.visualization.recipes import recipe_named
    from engine.visualization.tuning import changes, check_effort, with_changes

    base = recipe_named(view.recipe)
    # Some thirty widgets are a quarter of the work of a page's run: they are drawn while somebody looks at them.
    form = st.popover("Tune the recipe", icon=":material/instant_mix:", width="content", key=OPEN, on_change="rerun")
    with form:
        if form.open:
            st.caption(
                f"Based on **{base.name}**; changes are part of the link, and each variant is cached separately."
            )
        given = _widgets(base) if form.open else _given(base)
    try:
        recipe = with_changes(base, given)
        if recipe is not base:
            check_effort(recipe)
    except BadRequest as error:
        with form if form.open else nullcontext():  # closed, the form would hide why nothing can be run
            errors.show(error)
        return None
    if form.open:
        with form:
            _foot(base, recipe)
    return view.but(tuned=changes(base, recipe))


def _foot(base: Recipe, recipe: Recipe) -> None:
    """Below the form: what the recipe costs, and the way back to the one that it comes from."""
    st.caption(f"{recipe.steps} steps with {recipe.copies} copies: {recipe.passes:,} passes per picture.")
    st.button(
        "Reset to the recipe",
        key=f"fv_untune_{base.name}",
        icon=":material/undo:",
        on_click=_put,
        args=(base, base),
        disabled=recipe is base,
    )


def _put(base: Recipe, recipe: Recipe) -> None:
    for path, value in _values(recipe).items():
        if isinstance(value, tuple):
            for place, each in enumerate(value):
                st.session_state[f"{key(base.name, path)}_{place}"] = each
        else:
            st.session_state[key(base.name, path)] = value


def _values(recipe: Recipe) -> dict[str, Any]:
    """What the form shows of a recipe, by path: parts are on or off, and have settings to begin with where they are off."""
    from engine.visualization.recipes import FAST, FOURIER
    from engine.visualization.tuning import PARTS

    begin: dict[str, Any] = {"finish": FAST.finish, "finish_whole": FAST.finish_whole, "view": FOURIER.view}
    out: dict[str, Any] = {}
    for name, value in recipe.settings.items():
        if name not in PARTS:
            out[name] = value
            continue
        part = begin[name] if value is None else value
        out[name] = value is not None
        out |= {f"{name}.{inner}": getattr(part, inner) for inner in type(part).model_fields}
    return out


def _widgets(base: Recipe) -> dict[str, Any]:
    """Draws a widget for each setting; gives those that the form now says, by path as `with_changes` reads them."""
    from engine.visualization.tuning import PARTS, SETTINGS

    given: dict[str, Any] = {}
    values = _values(base)
    plain = [path for path in values if path.partition(".")[0] not in PARTS]
    with st.grid(3, min_column_width=150, gap="small"):
        for path in plain:
            given[path] = _widget(base.name, path, SETTINGS[path], values[path])
    for part in PARTS:
        on = st.toggle(_words(part), key=_begin(base.name, part, values[part]), help=SETTINGS[part].description, **KEEP)
        if not on:
            given[part] = None
            continue
        with st.grid(3, min_column_width=150, gap="small"):
            for path in (path for path in values if path.startswith(f"{part}.")):
                given[path] = _widget(base.name, path, SETTINGS[path], values[path])
    return given


def _given(base: Recipe) -> dict[str, Any]:
    """What the widgets would give if they were drawn."""
    from engine.visualization.tuning import PARTS

    def kept(path: str, value: Any) -> Any:
        name = key(base.name, path)
        if isinstance(value, tuple):
            return tuple(st.session_state.get(f"{name}_{place}", each) for place, each in enumerate(value))
        return st.session_state.get(name, value)

    values = _values(base)
    off = {part for part in PARTS if not kept(part, values[part])}
    given = {path: kept(path, value) for path, value in values.items() if path not in PARTS}
    return {path: value for path, value in given.items() if path.partition(".")[0] not in off} | dict.fromkeys(off)


def _begin(recipe: str, path: str, value: Any) -> str:
    """The widget's key, with its first value behind it."""
    name = key(recipe, path)
    st.session_state.setdefault(name, value)
    return name


def _widget(recipe: str, path: str, field: Any, value: Any) -> Any:
    """The widget that suits a setting's kind."""
    label, told = _words(path.rpartition(".")[2]), field.description
    if isinstance(value, tuple):
        with st.container(gap="xxsmall"):
            return tuple(
                _number(f"{label}, {which}", _begin(recipe, f"{path}_{place}", each), each, field, told)
                for place, (which, each) in enumerate(zip(("first", "second"), value, strict=True))
            )
    name = _begin(recipe, path, value)
    if isinstance(value, bool):
        return st.toggle(label, key=name, help=told, **KEEP)
    if isinstance(value, str):
        return st.selectbox(label, get_args(field.annotation), key=name, help=told, **KEEP)
    return _number(label, name, value, field, told)


def _number(label: str, name: str, value: float, field: Any, told: str | None) -> float:
    """A whole number where the setting is one. Its limits are the recipe's, which says what is wrong."""
    if isinstance(value, int):
        least, most = (
            next(getattr(rule, end) for rule in field.metadata if hasattr(rule, end)) for end in ("ge", "le")
        )
        return int(st.number_input(label, least, most, step=1, key=name, help=told, **KEEP))
    return float(st.number_input(label, step=0.01, format="%g", key=name, help=told, **KEEP))


def _words(name: str) -> str:
    """A setting's name as people read it."""
    return name.replace("_", " ").capitalize()
