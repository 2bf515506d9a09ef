"""Small widgets and their settings that several pages share."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.core.choices import DEFAULT_MODELS

NONE = "No second model"
KEEP: dict[str, Any] = {"persist_state": "session"}
FIRST = dict(zip("ab", DEFAULT_MODELS, strict=True))


def available_models() -> list[str]:
    """The names of the models that can be used at once."""
    from engine.models import catalog

    return [entry.name for entry in catalog.entries() if entry.available]


def number(label: str, key: str, first: int, most: int, least: int) -> int:
    st.session_state[key] = min(max(int(st.session_state.get(key, first)), least), most)
    return int(st.number_input(label, least, most, step=1, key=key, **KEEP))
