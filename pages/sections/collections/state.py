"""What the page of collections keeps in its address, and how changes are carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from engine.core.errors import VitrineError
from pages.common import errors
from pages.common.experiments import places

PARAMETER = "c"


def show(id: str | None) -> None:
    """Go to a collection, or (without one) to all of them."""
    st.switch_page(places.COLLECTIONS, query_params={PARAMETER: id} if id else {})


def attempt(work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Carry a change out in a callback; where it is refused a toast says why, and None comes back."""
    try:
        return work(*arguments, **named)
    except VitrineError as error:
        st.toast(errors.told(str(error)), icon=":material/error:")
        return None
