"""Drawing the gallery: exhibits side by side, their rows as they are finished, and what to do where one is missing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import streamlit as st

from engine.core.errors import VitrineError
from pages.common import colours, errors, job_panel, results, serve
from pages.common.batch import Batch
from pages.common.units.rows import Row, index_request, missing
from pages.common.units.tiles import titled_tiles
from pages.common.units.view import View
from pages.sections.home import gallery
from pages.sections.home.gallery import Exhibit


def draw(exhibits: Sequence[Exhibit], by_itself: bool) -> None:
    """The exhibits in columns. `by_itself`: what is not there yet is computed in the background, else on a click."""
    shown = {exhibit: _rows(exhibit) for exhibit in exhibits}
    shared = _shared_batch([rows for rows in shown.values() if isinstance(rows, list)]) if by_itself else None
    columns = st.columns(len(exhibits), gap="large")
    for column, (exhibit, rows) in zip(columns, shown.items(), strict=True):
        with column:
            st.markdown(f"##### :{colours.NAMES[exhibit.side]}[{exhibit.model}]")
            st.caption(exhibit.about)
            if isinstance(rows, VitrineError):
                errors.hint(errors.escape(str(rows)), "inventory_2")
                continue
            _progress(exhibit, rows, shared if by_itself else _own_batch(exhibit, rows))
            for row in rows:
                if results.find(row.key) is not None:
                    titled_tiles(row, View(a=row.address, data=exhibit.data))


def _rows(exhibit: Exhibit) -> list[Row] | VitrineError:
    try:
        rows = gallery.rows(exhibit)
        _ = [row.key for row in rows]  # raises where the model or the data set is not there
        return rows
    except VitrineError as error:
        return error


def _progress(exhibit: Exhibit, rows: list[Row], batch: Batch | None) -> None:
    if batch is not None:
        names = {row.key: f"`{row.address.site}`" for row in rows}
        names |= {
            index_request(row.address, row.request.data).key(): f"`{row.address.site}` on every scene" for row in rows
        }
        names = {key: names[key] for key in batch.requests if key in names}
        job_panel.draw(batch, names, exhibit.model)


def _shared_batch(exhibits: list[list[Row]]) -> Batch:
    """What starts by itself: kept for the session, so that what failed is not tried again and again."""
    state = st.session_state
    if "home_shared" not in state:
        in_turn = [row for layer in zip_longest(*exhibits) for row in layer if row is not None]
        state["home_shared"] = gallery.batch(missing(in_turn))
    return state["home_shared"]


def _own_batch(exhibit: Exhibit, rows: list[Row]) -> Batch | None:
    """What a click has started for an exhibit that does not start by itself."""
    state, name = st.session_state, f"home_{exhibit.model}"
    absent = missing(rows)
    if absent and name not in state:
        label = "Compute these pictures" if len(absent) == len(rows) else "Compute the remaining pictures"
        if st.button(label, key=f"make-{exhibit.model}", icon=":material/play_arrow:"):
            state[name] = Batch.of([row.request for row in absent], serve.owner())
        else:
            st.caption(
                f"{len(absent)} layers, {len(gallery.UNITS)} units each: a few minutes on a laptop, then cached."
            )
    return state.get(name)
