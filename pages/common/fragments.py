"""Parts of a page that draw themselves again, by a timer or when something in them is used."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import streamlit as st

from engine.core.request import one_request


def fragment(run_every: float | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: Streamlit's fragment, each run of which is one request, as a page's run is. What a run opens, such as the
    models and data sets that keys are made of, is opened once; without this, hundreds of times. `run_every`: seconds."""

    def decorate(draw: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(draw)
        def drawn(*arguments: Any, **named: Any) -> Any:
            with one_request():
                return draw(*arguments, **named)

        return st.fragment(drawn, run_every=run_every)

    return decorate
