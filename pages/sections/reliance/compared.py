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
def compared(keys: tuple[str, ...]) -> dict[str, Any]:
    """What the comparison of cut images shows: `paired`, `paired_places`, `matched`, `robustness` of each variant, and sentences:
    which model leans more on the background, and one for the object and one for the background (none of a model alone)."""
    from engine.evaluation import comparison, telling

    together = aligned(keys)
    there = {name for name, _ in together.variants}
    names = [name for name in ("foreground", "background") if name in there]
    several = len(keys) > 1
    told = [telling.sentence(together, name) for name in names] if several else []
    return {
        "paired": comparison.paired(together),
        "paired_places": comparison.paired_places(together),
        "matched": comparison.matched(together),
        "robustness": {name: comparison.robustness(together, name) for name in names},
        "sentences": [*filter(None, [telling.leaning(together)]), *told] if several else [],
        "places": [telling.places(row) for row in comparison.paired_places(together)],
    }


def keys_of(view: View, measure: str, computed: Mapping[str, Result]) -> tuple[str, ...]:
    """The keys of the results that are there."""
    return tuple(request(view, measure, model).key() for model in computed)
