"""The images that excite the spatial probe's unit most in the chosen block, each with the unit's map."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from engine.core.request import Result, build
from pages.common import errors, results, words
from pages.sections.spatial.view import SpatialView

IMAGES = 6
TILE = 64
"""The least width of an image, in pixels."""


def draw(
    view: SpatialView, model: str, site: str, size: tuple[int, int], computed: Mapping[str, Result], part: str
) -> None:
    """A row of images at `site`, cut to `size` as the model sees them. One pass over the images serves all blocks; `part` is
    the name of the one that was asked for, and nothing is drawn before it is there."""
    from engine.evaluation.index import IndexRequest

    if part not in computed:
        return
    key = build(IndexRequest, model=model, site=site, data=view.data).key()
    index = results.find(key)
    if index is None:
        st.caption(f"The strongest images of `{site}` are not stored; those of the last block are.")
        return
    if view.unit >= index.arrays["top_mean"].shape[0]:
        return
    low, high = results.scale(index, view.unit)
    st.markdown(
        f":small[Images that activate unit {view.unit} of `{site}` most, strongest first; **one scale**, "
        f"{words.number(low)} transparent to {words.number(high)} bright]"
    )
    dataset = results.dataset(view.data)
    ranks = results.top_ranks(index, view.unit, view.data, IMAGES)
    with st.grid(IMAGES, min_column_width=TILE, gap="xxsmall"):
        for place, rank in enumerate(ranks, 1):
            facts = dataset.describe(int(index.arrays["top_mean"][view.unit, rank]))
            st.image(
                results.scene(key, view.unit, rank, view.data, size, True),
                caption=f":small[{errors.escape(words.short(facts))}]",
                width="stretch",
                output_format="PNG",
                alt=f"Image {place} for unit {view.unit} of {site}, with its map: {words.scene(facts)}",
            )
