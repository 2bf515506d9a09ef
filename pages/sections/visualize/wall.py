"""The results of a view: cards of one layer side by side, or one row of pictures for each layer of the whole depth."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.core.choices import COMPARED_RECIPES
from pages.common import colours, errors, job_panel, results
from pages.common.batch import Batch
from pages.common.colours import Side
from pages.common.units.rows import Row, index_request
from pages.common.units.tiles import BESIDE, TILE, titled_tiles
from pages.common.units.view import View
from pages.sections.visualize import comparison, unit_card

CARDS_A_PAGE = 16
MAPS = "fv_maps"


def draw(view: View, rows: Sequence[Row], batch: Batch | None) -> None:
    """Everything that is there, and the progress of what is not."""
    sides, maps = view.sides, bool(st.session_state.get(MAPS, True))
    columns = st.columns(len(sides), gap="large")
    for column, side in zip(columns, sides, strict=True):
        mine = [row for row in rows if row.side == side]
        with column:
            _heading(side, view)
            if view.view != "layer":
                _depth(mine, view, batch)
            else:
                _layer(mine[0], view, batch, wide=len(sides) == 1, maps=maps)


def maps_toggle() -> None:
    """Whether the scenes show where in them a unit looks."""
    st.session_state.setdefault(MAPS, True)
    st.toggle(
        "Show where it looks",
        key=MAPS,
        help="Dims each scene where the unit is not active: the most at the median over positions of its strongest scenes and "
        "below, not at all from half-way to their maximum on. All scenes of a unit share one scale.",
        persist_state="session",
    )


def offer(rows: Sequence[Row], absent: int) -> str:
    """That so many of the rows are not there yet, in words."""
    if len(rows) == 1:
        return "These pictures have not been computed on this machine yet. The link contains everything needed to compute them."
    return f"{absent} of the {len(rows)} rows of this view have not been computed on this machine yet."


def _heading(side: Side, view: View) -> None:
    address = view.sides[side]
    at = f" · `{address.site}`"
    where = f"{at} · all recipes" if view.view == "recipes" else at
    where = " · all layers" if view.view == "depth" else " · sites of one block" if view.view == "sites" else where
    st.markdown(f"#### :{colours.NAMES[side]}[{errors.escape(address.model)}]{where}")


def name_of(row: Row) -> str:
    """A row as the title of its panel."""
    return f":{colours.NAMES[row.side]}[**{errors.escape(row.address.model)}**] `{row.name}`"


def _layer(row: Row, view: View, batch: Batch | None, wide: bool, maps: bool) -> None:
    if results.find(row.key) is None:
        if batch is not None:
            job_panel.draw(batch, {row.key: name_of(row)}, row.side)
        return
    shown = unit_card.Shown(
        side=row.side,
        address=row.address,
        key=row.key,
        index_key=index_request(row.address, view.data).key(),
        data=view.data,
        input_size=results.input_size(row.address.model),
        maps=maps,
        row=row,
        view=view,
    )
    cards = st.grid(2 if wide else 1, min_column_width=430) if wide else st.container()
    count = len(row.address.names)
    first = 0
    if count > CARDS_A_PAGE:
        pages = -(-count // CARDS_A_PAGE)
        first = (st.pagination(pages, key=f"cards-{row.side}-{row.address}") - 1) * CARDS_A_PAGE
    with cards:
        for place in range(first, min(first + CARDS_A_PAGE, count)):
            unit_card.draw(shown, place)


def _depth(rows: Sequence[Row], view: View, batch: Batch | None) -> None:
    if batch is not None:
        absent = {row.key: name_of(row) for row in rows}
        job_panel.draw(batch, absent, f"depth-{rows[0].side}")
    if view.view in ("recipes", "sites"):
        comparison.draw(rows)
    # Rows of one picture or two stand beside each other: alone, each picture would fill the page.
    count = max(len(row.address.names) for row in rows)
    beside = st.grid(4 - count, min_column_width=count * 2 * TILE) if count <= BESIDE else st.container()
    with beside:
        for row in rows:
            if results.find(row.key) is not None:
                recipe = row.title if row.title in COMPARED_RECIPES else view.recipe
                titled_tiles(row, view.but(a=row.address, b=None, view="layer", recipe=recipe))
