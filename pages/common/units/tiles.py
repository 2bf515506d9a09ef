"""Pictures of units small and in rows, under the name of their layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.common import errors, query, results
from pages.common.experiments.places import SCRIPTS
from pages.common.units.rows import Row
from pages.common.units.view import View

TILE = 84
"""The least width of a small picture on screen, in pixels."""
BESIDE = 2
"""Rows of at most so many pictures stand beside each other."""
MOST_IN_A_ROW = 8


def titled_tiles(row: Row, closer: View) -> None:
    """The pictures of one layer under its name, with a way to look closer."""
    name = f":small[`{row.name}`]"
    with st.container(gap="xsmall"):
        if len(row.address.names) <= BESIDE:  # a link that wraps would push one picture below its neighbours
            st.markdown(name)
            tiles(row)
            _link(closer)
            return
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(name, width="content")
            _link(closer)
        tiles(row)


def _link(closer: View) -> None:
    st.page_link(
        SCRIPTS["visualize"],
        label="Look closer",
        icon=":material/arrow_forward:",
        icon_position="right",
        query_params=query.write(closer),
    )


def tiles(row: Row) -> None:
    """The pictures of one layer, small, in a row that wraps."""
    result = results.find(row.key)
    if result is None:
        return
    with st.grid(min(len(row.address.names), MOST_IN_A_ROW), min_column_width=TILE, gap=("small", "xsmall")):
        for place, facts in enumerate(result.tables["units"].to_dict("records")):
            st.image(
                results.picture(row.key, "images", place, 2 * TILE),
                caption=tile_caption(facts),
                width="stretch",
                output_format="PNG",
                alt=f"Picture of unit {facts['unit']} of {row.address.model}, {row.address.site}",
            )


def tile_caption(facts: Mapping[Any, Any]) -> str:
    """Under a small picture: its unit, and how it compares with the strongest scene."""
    ratio = float(facts["ratio_to_best_scene"])
    told = ":red[failed]" if facts["failed"] else f"{ratio:.1f}×" if math.isfinite(ratio) else ""
    unit = errors.escape(str(facts["unit"]))
    return f":small[{unit} · {told}]" if told else f":small[{unit}]"
