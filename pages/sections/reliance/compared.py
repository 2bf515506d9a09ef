"""Results of several models brought together for the page "Background and texture", kept in memory while looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.common import results
from pages.sections.reliance.view import View, request

if TYPE_CHECKING:
    from engine.core.request import Result
    from engine.evaluation.comparison import Aligned


@st.cache_resource(max_entries=24, show_spinner=False)
def aligned(keys: tuple[str, ...]) -> Aligned:
    """The results under these keys on their common images."""
    from engine.evaluation import comparison

    there = [result for key in keys if (result := results.find(key)) is not None]
    return comparison.align(there)


@st.cache_resource(max_entries=24, show_spinner=False)
def compared(keys: tuple[str, ...], cuts: bool) -> dict[str, Any]:
    """`paired`, and for cut images also `matched`, `robustness` and a `sentence` for the object and the background."""
    from engine.evaluation import comparison

    together = aligned(keys)
    facts: dict[str, Any] = {
        "paired": comparison.paired(together),
        "paired_places": comparison.paired_places(together),
    }
    if cuts:
        names = [name for name in ("background", "foreground") if any(name == each for each, _ in together.variants)]
        facts["matched"] = comparison.matched(together)
        facts["robustness"] = {name: comparison.robustness(together, name) for name in names}
        facts["sentences"] = [comparison.sentence(together, name) for name in names] if len(keys) > 1 else []
    return facts


def keys_of(view: View, measure: str, computed: Mapping[str, Result]) -> tuple[str, ...]:
    """The keys of the results that are there."""
    return tuple(request(view, measure, model).key() for model in computed)
