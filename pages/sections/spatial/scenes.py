"""The images that excite the spatial probe's unit most in the chosen block, each with the unit's map."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from engine.core.request import Result, build
from pages.common import errors, overlay, results, style, words
from pages.common.units.on_data import OnData
from pages.sections.spatial.view import SpatialView

IMAGES = 6
TILE = 88
"""The least width of an image, in pixels."""


def _key(view: SpatialView, model: str, site: str) -> str:
    from engine.evaluation.index import IndexRequest

    return build(IndexRequest, model=model, site=site, data=view.data).key()


def known_at(view: SpatialView, model: str, site: str) -> OnData | None:
    """What the unit of this number does on the images at a site; None where that is not known, or there is no such unit."""
    index = results.find(key := _key(view, model, site))
    return OnData(key, view.unit, True) if index is not None and view.unit < len(index.arrays["top_mean"]) else None


def draw(
    view: SpatialView, model: str, site: str, size: tuple[int, int], computed: Mapping[str, Result], part: str
) -> None:
    """A row of images at `site`, cut to `size` as the model sees them. One pass over the images serves all blocks; `part` is
    the name of the one that was asked for, and nothing is drawn before it is there."""
    if part not in computed:
        return
    if results.find(_key(view, model, site)) is None:
        st.caption(f"The strongest images of `{site}` are not stored; those of the last block are.")
    if (known := known_at(view, model, site)) is None:
        return
    low, high = known.scale
    st.markdown(
        f":small[Images that activate unit {view.unit} of `{site}` most, strongest first; bright where it is active, dimmed "
        f"elsewhere, on **one scale**: the most up to {words.number(low)}, in full from "
        f"{words.number(overlay.full_from(low, high))} on]"
    )
    dataset = results.dataset(view.data)
    with st.container(key=f"{style.THUMBS}-{part}"), st.grid(IMAGES, min_column_width=TILE, gap="xxsmall"):
        for place, rank in enumerate(known.ranks(view.data, IMAGES), 1):
            facts = dataset.describe(int(known.top[rank]))
            st.image(
                known.scene(rank, view.data, size, True),
                caption=f":small[{errors.escape(words.short(facts))}]",
                width="stretch",
                output_format="PNG",
                alt=f"Image {place} for unit {view.unit} of {site}, with its map: {words.scene(facts)}",
            )
