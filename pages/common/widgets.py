"""Small widgets and their settings that several pages share."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import streamlit as st

from engine.core.choices import DEFAULT_MODELS, DEFAULT_RECIPE
from engine.core.errors import VitrineError
from engine.core.request import Result
from pages.common import errors

NONE = "No second model"
KEEP: dict[str, Any] = {"persist_state": "session"}
FIRST = dict(zip("ab", DEFAULT_MODELS, strict=True))


def available_models() -> list[str]:
    """The names of the models that can be used at once."""
    from engine.models import catalog

    return [entry.name for entry in catalog.entries() if entry.available]


def including(names: list[str], chosen: str) -> list[str]:
    """Names to choose from, with the one that is chosen."""
    return names if chosen in names else [*names, chosen]


def recipes(key: str) -> str:
    """The choice of how pictures are made, each way with a sentence."""
    from engine.visualization.recipes import RECIPES

    st.session_state.setdefault(key, DEFAULT_RECIPE)
    told = [_with_names(recipe.summary) for recipe in RECIPES.values()]
    return st.radio("Recipe", list(RECIPES), key=key, captions=told, **KEEP)


def _with_names(summary: str) -> str:
    """A summary safe in Markdown, with names of recipes and what one may write as code."""
    parts = summary.split("`")
    return "".join(errors.code(part) if number % 2 else errors.escape(part) for number, part in enumerate(parts))


def say_how_data_is_read(name: str) -> None:
    """Below the choice of a data set: how its files are read, where they could be read otherwise."""
    from engine.data.registry import open_dataset

    with suppress(VitrineError):  # said where it is used
        for note in open_dataset(name).notes():
            errors.hint(errors.escape(note), "info")


def say_how_model_is_read(*names: str | None) -> None:
    """Below the choice of models: how their files are read, where they could be read otherwise."""
    from engine.models import catalog

    for name in dict.fromkeys(filter(None, names)):
        with suppress(VitrineError):  # said where it is used
            for told in catalog.find(name).reading:
                errors.hint(f"{errors.code(name)}: {errors.escape(told)}", "info")


def say_cut_texts(result: Result) -> None:
    """Texts of a result that are longer than its CLIP reads, and what was read of them."""
    from engine.models.text import says_cut

    for told in says_cut(result.facts.get("cut") or {}):
        errors.hint(errors.escape(told), "info")


def number(label: str, key: str, first: int, most: int, least: int, help: str | None = None) -> int:
    st.session_state[key] = min(max(int(st.session_state.get(key, first)), least), most)
    return int(st.number_input(label, least, most, step=1, key=key, help=help, **KEEP))
