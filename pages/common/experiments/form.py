"""Widgets for the fields of a request: what any experiment can be asked, without a page written for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.core.errors import BadRequest, VitrineError
from engine.core.fields import Field
from engine.core.request import Request
from pages.common import errors, query
from pages.common.widgets import KEEP, available_models, including, say_how_data_is_read, say_how_model_is_read

if TYPE_CHECKING:
    from engine.sites.access import Site

MODELS = ("model", "reader")


def fill(prefix: str, fields: Sequence[Field], request: Request) -> None:
    """Put a request into the widgets, before they are drawn."""
    for field in fields:
        st.session_state[f"{prefix}_{field.name}"] = _shown(field, getattr(request, field.name))


def draw(prefix: str, fields: Sequence[Field]) -> dict[str, Any]:
    """Draw the widgets; gives what they say, by field. Raises BadRequest for text that cannot be read."""
    given = {}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        for field in fields:
            with st.container(width=260):
                value = _widget(f"{prefix}_{field.name}", field, given.get("model"))
            if value is not None and value != "":
                given[field.name] = value
    say_how_model_is_read(*(given.get(name) for name in MODELS))
    if "data" in given:
        say_how_data_is_read(given["data"])
    return given


def label(name: str) -> str:
    """A field's name as people read it."""
    return f"{name[0].upper()}{name[1:].replace('_', ' ')}"


def _shown(field: Field, value: Any) -> Any:
    """A value as the field's widget has it."""
    if field.choices or field.shape == "flag":
        return list(value) if isinstance(value, tuple) else value
    if field.several:
        return query.as_text(value) if value or field.default else ""
    if value is None or value == "":
        return ""
    return query.as_text(value) if field.shape == "text" else value


def _widget(key: str, field: Field, model: str | None) -> Any:
    """`model`: the one that was chosen before, if there is one."""
    state, about = st.session_state, errors.escape(f"{field.about[0].upper()}{field.about[1:]}.")
    if key not in state:
        state[key] = (
            _shown(field, field.default) if field.default is not None or not field.choices else field.choices[0]
        )
    if field.shape == "flag":
        return st.toggle(label(field.name), key=key, help=about, **KEEP)
    if field.choices:
        choose = st.multiselect if field.several else st.selectbox
        chosen = choose(label(field.name), field.choices, key=key, help=about, **KEEP)
        return tuple(chosen) if field.several else chosen
    if (names := _names(field.name)) is not None:
        return _one_of(key, field.name, names, about)
    if field.name == "site" and field.default is None and model and (sites := _sites(model)):
        return _layer(key, model, sites, about)
    if field.shape in ("whole", "number") and not field.several and field.default is not None:
        return _number(key, field, about)
    text = st.text_input(label(field.name), key=key, help=about, **KEEP)
    return query.from_text(text or "", field.several) if (text or "").strip() else None


def _names(name: str) -> list[str] | None:
    """What a field of this name can be chosen from; None where it is written."""
    if name in MODELS:
        return available_models()
    if name == "data":
        from engine.data.registry import dataset_names

        return dataset_names()
    return None


def _one_of(key: str, name: str, names: list[str], about: str) -> str | None:
    state = st.session_state
    if not state[key]:
        state[key] = names[0]
    known = names if state[key] in names or name not in MODELS else [*names, state[key]]
    if state[key] not in known:
        raise BadRequest(f"There is no data set “{str(state[key])[:80]}” here. Choose one of {', '.join(names)}.")
    return st.selectbox(label(name), known, key=key, help=about, accept_new_options=name in MODELS, **KEEP)


def _sites(model: str) -> list[Site]:
    """The sites of a model that can be used at once; none of others, which are loaded when they are asked for."""
    from engine.models import catalog

    try:
        return [*catalog.sites_of(model).values()] if catalog.find(model).available else []
    except VitrineError:
        return []


def _layer(key: str, model: str, sites: list[Site], about: str) -> str:
    """One of a model's layers: the usual one where none is chosen, or one of the model before. One that a link names and that
    the model does not have stays, and is refused when it is asked for."""
    from pages.common.units.layers import usual

    state, names = st.session_state, [site.name for site in sites]
    chosen, before = state[key], state.get(f"{key}_of", model)
    if not chosen or (chosen not in names and before != model):
        state[key] = usual(sites).name
    state[f"{key}_of"] = model
    return st.selectbox(label("site"), including(names, state[key]), key=key, help=about, **KEEP)


def _number(key: str, field: Field, about: str) -> int | float:
    whole = field.shape == "whole"
    kind, step = (int, 1) if whole else (float, None)
    least = None if field.least is None else kind(field.least)
    most = None if field.most is None else kind(field.most)
    state = st.session_state
    state[key] = kind(state[key])
    return kind(st.number_input(label(field.name), least, most, step=step, key=key, help=about, **KEEP))
