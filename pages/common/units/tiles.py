"""Pictures of units small and in rows, under the name of their layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import streamlit as st

from engine.core.address import Address
from engine.core.shares import times
from pages.common import errors, query, results, words
from pages.common.experiments.places import SCRIPTS
from pages.common.units.growing import Growing, draw
from pages.common.units.rows import Row
from pages.common.units.view import View

TILE = 84
"""The least width of a small picture on screen, in pixels."""
BESIDE = 2
"""Rows of at most so many pictures stand beside each other."""
MOST_IN_A_ROW = 8


def titled_tiles(row: Row, closer: View, coming: Mapping[int, Growing]) -> None:
    """The pictures of one layer under its name, with a way to look closer. `coming`: what is known of those that are not there
    yet, by their places."""
    name = f":small[`{row.name}`]"
    with st.container(gap="xsmall"):
        if len(row.address.names) <= BESIDE:  # a link that wraps would push one picture below its neighbours
            st.markdown(name)
            tiles(row, closer, coming)
            _link(closer)
            return
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(name, width="content")
            _link(closer)
        tiles(row, closer, coming)


def _link(closer: View) -> None:
    st.page_link(
        SCRIPTS["visualize"],
        label="Look closer",
        icon=":material/arrow_forward:",
        icon_position="right",
        query_params=query.write(closer),
    )


def tiles(row: Row, closer: View, coming: Mapping[int, Growing]) -> None:
    """The pictures of one layer, small, in a row that wraps; each leads to its unit."""
    result, model, site = results.find(row.key), row.address.model, row.address.site
    with st.grid(min(len(row.address.names), MOST_IN_A_ROW), min_column_width=TILE, gap=("small", "xsmall")):
        for place, name in enumerate(row.address.names):
            alt = f"Picture of {words.target(name)} of {model}, {site}"
            with st.container(gap="xxsmall", key=f"tile-{row.side}-{row.name}-{name}"):
                if result is None:
                    growing = coming.get(place)
                    draw(growing, results.input_size(model), f"{row.side}-{row.name}-{name}", alt)
                    told = f"{errors.escape(str(name))} · {growing.text if growing else 'not made yet'}"
                else:
                    data = results.picture(row.key, "images", place, 2 * TILE)
                    st.image(data, width="stretch", output_format="PNG", alt=alt)
                    told = tile_caption(result.tables["units"].iloc[place].to_dict())
                only = ((name,), ()) if isinstance(name, int) else ((), (name,))
                alone = query.write(closer.but(a=Address(model, site, *only), b=None))
                st.page_link(SCRIPTS["visualize"], label=told, query_params=alone)


def tile_caption(facts: Mapping[Any, Any]) -> str:
    """Under a small picture: its unit, and how it compares with the strongest scene."""
    ratio = times(facts["ratio_to_best_scene"], facts.get("ratio_low", math.nan))
    told = ":red[failed]" if facts["failed"] else ratio
    unit = errors.escape(str(facts["unit"]))
    return f"{unit} · {told}" if told else unit
