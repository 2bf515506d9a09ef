"""Drawing the gallery: exhibits side by side, their rows as they are finished, and what to do where one is missing."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.errors import VitrineError
from pages.common import colours, errors, gallery, job_panel, permalink, results, wall
from pages.common.batch import Batch
from pages.common.gallery import Exhibit
from pages.common.view import Row, View

PAGE = "pages/feature_visualization.py"


def draw(exhibits: Sequence[Exhibit], start: bool) -> None:
    """The exhibits in columns. With `start`, what is not there yet is computed in the background; else on a click."""
    columns = st.columns(len(exhibits), gap="large")
    for column, exhibit in zip(columns, exhibits, strict=True):
        with column:
            st.markdown(f"##### :{colours.NAMES[exhibit.side]}[{exhibit.model}]")
            st.caption(exhibit.about)
            try:
                _exhibit(exhibit, start)
            except VitrineError as error:
                st.info(errors.escape(str(error)), icon=":material/inventory_2:")


def _exhibit(exhibit: Exhibit, start: bool) -> None:
    rows = gallery.rows(exhibit)
    absent = wall.missing(rows)
    if absent:
        _compute(exhibit, rows, absent, start)
    for row in rows:
        if results.find(row.key) is not None:
            _row(row, exhibit)


def _compute(exhibit: Exhibit, rows: list[Row], absent: list[Row], start: bool) -> None:
    state, name = st.session_state, f"home_{exhibit.model}"
    if name not in state and not start:
        if len(absent) < len(rows) or not st.button(
            "Make its pictures", key=f"make-{exhibit.model}", icon=":material/play_arrow:"
        ):
            st.caption(f"{len(rows)} layers, four units each; some minutes on a laptop, then kept.")
            return
    if name not in state:
        state[name] = gallery.batch(absent)
    batch: Batch = state[name]
    job_panel.draw(batch, {row.key: f"`{row.address.site}`" for row in absent}, exhibit.model)


def _row(row: Row, exhibit: Exhibit) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.markdown(f":small[`{row.address.site}`]", width="content")
        st.page_link(
            PAGE,
            label="Look closer",
            icon=":material/arrow_forward:",
            icon_position="right",
            query_params=permalink.write(View(row.address, data=exhibit.data)),
        )
    wall.tiles(row)
