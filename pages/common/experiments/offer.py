"""What is said of results that nobody asked for yet: how many there are, on which images, and about how long they take."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.core.errors import VitrineError
from pages.common import results, who
from pages.common.experiment_page import ExperimentPage, Part, coming

if TYPE_CHECKING:
    from engine.core.request import Request

COSTS_SECONDS = 60
"""How long it is remembered what a request takes: its images may change, and a page asks at every click."""


def told(page: ExperimentPage[Any], parts: Sequence[Part], images: str) -> str:
    """What of a page's parts is neither there nor on its way, which are measured on these images (Markdown)."""
    on_their_way = coming(page.batch([part.request for part in parts]))
    asked = {part.request.key(): part.request for part in parts}
    lacking = {key: each for key, each in asked.items() if key not in on_their_way and results.find(key) is None}
    if not lacking or not who.person().is_at_least("member"):
        return ""
    count = f"{len(lacking)} measurements are" if len(lacking) > 1 else "One measurement is"
    return f"{count} not computed yet, on {images}{_takes(lacking)}. Results appear as they are finished."


def _takes(lacking: dict[str, Request]) -> str:
    """About how long it takes; "" where that is not known before, as a model has to be fetched first."""
    from engine.claims.cost import roughly
    from engine.models import catalog

    with suppress(VitrineError):  # said once it is asked for
        if all(catalog.find(dict(each)["model"]).available for each in lacking.values()):
            return f": {roughly(sum(_seconds(key, each) for key, each in lacking.items()))}"
    return ""


@st.cache_data(ttl=COSTS_SECONDS, max_entries=256, show_spinner="Looking at what there is to measure")
def _seconds(key: str, _request: Request) -> float:
    """The model is read for it where nobody has used it lately."""
    from engine.claims.cost import seconds_of

    return seconds_of(_request)
