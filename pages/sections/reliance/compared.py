"""Results of several models brought together for the page "Background and texture", kept in memory while looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.core.errors import BadRequest
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
    """What the comparison of cut images shows: `paired`, `matched`, `robustness` of each variant, and sentences: which
    model loses more without the background, and those of `cuts` (none of a model alone); and `places`, those of what lives at the
    places shown."""
    from engine.evaluation import comparison, telling

    together = aligned(keys)
    there = {name for name, _ in together.variants}
    names = [name for name in ("foreground", "background") if name in there]
    told = [telling.without_background(together), *telling.cuts(together)] if len(keys) > 1 else []
    return {
        "paired": comparison.paired(together),
        "matched": comparison.matched(together),
        "robustness": {name: comparison.robustness(together, name) for name in names},
        "sentences": [*filter(None, told)],
        "places": telling.every_place(together),
    }


@st.cache_resource(max_entries=24, show_spinner=False)
def cutoffs(keys: tuple[str, ...]) -> list[str]:
    """What each pair of models comes to under a low-pass, on their common images, with what could have been seen."""
    from engine.evaluation import telling
    from engine.reliance import frequency

    there = [result for key in keys if (result := results.find(key)) is not None]
    try:
        return [said for row in frequency.paired(there) if (said := telling.halves(row))]
    except BadRequest:  # no images in common: each model is told alone
        return []


def keys_of(view: View, measure: str, computed: Mapping[str, Result]) -> tuple[str, ...]:
    """The keys of the results that are there."""
    return tuple(request(view, measure, model).key() for model in computed)
