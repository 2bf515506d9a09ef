"""The results of a view: cards of one layer side by side, or one row of pictures for each layer of the whole depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from engine.core.choices import COMPARED_RECIPES
from pages.common import colours, errors, results
from pages.common.batch import Batch
from pages.common.colours import Side
from pages.common.experiment_page import coming
from pages.common.fragments import fragment
from pages.common.units.growing import Growing
from pages.common.units.rows import Row, index_request
from pages.common.units.tiles import BESIDE, TILE, titled_tiles
from pages.common.units.view import View
from pages.sections.visualize import comparison, making, unit_card, unit_page

if TYPE_CHECKING:
    from engine.jobs.progress import Snapshot

CARDS_A_PAGE = 16
CARD = 200
"""The least width of a picture on a card, in pixels."""
FEWEST, MOST = 4, 8
"""Cards beside each other, where there is room: fewer leave room, more begin a new line."""
MAPS = "fv_maps"
WAITING_SECONDS = 2.0
"""How often a row is looked at whose turn has not come."""


def draw(view: View, rows: Sequence[Row], batch: Batch | None, place: int | None = None) -> None:
    """Everything that is there, in its place, and what is not yet there in its own. `place`: the one picture that is shown
    alone, of the one row."""
    places = st.columns(2, gap="large") if in_halves(view) else [st.container() for _ in view.sides]
    for side, where in zip(view.sides, places, strict=True):
        with where:
            _side(side, view, [row for row in rows if row.side == side], batch, place)


def in_halves(view: View) -> bool:
    """Whether the two sides stand beside each other, each with a picture or two."""
    return (
        view.view == "layer" and view.b is not None and all(len(each.names) <= BESIDE for each in view.sides.values())
    )


def _side(side: Side, view: View, mine: Sequence[Row], batch: Batch | None, place: int | None) -> None:
    maps = bool(st.session_state.get(MAPS, True))
    if place is not None:
        shown = _shown(mine[0], view, maps)
        _live(mine[0], batch, lambda growing: unit_page.draw(shown, place, growing.get(place)))
        return
    _heading(side, view)
    if view.view == "layer":
        _layer(mine[0], view, batch, maps)
    else:
        _depth(mine, view, batch)


def maps_toggle() -> None:
    """Whether the images show where in them a unit looks."""
    st.session_state.setdefault(MAPS, True)
    st.toggle(
        "Show where it looks",
        key=MAPS,
        help="Dims each image where the unit is not active: the most at the median over positions of its strongest images and "
        "below, not at all from half-way to their maximum on. All images of a unit share one scale.",
        persist_state="session",
    )


def _heading(side: Side, view: View) -> None:
    address = view.sides[side]
    at = f" · `{address.site}`"
    where = f"{at} · all recipes" if view.view == "recipes" else at
    where = " · all layers" if view.view == "depth" else " · sites of one block" if view.view == "sites" else where
    letter = "" if view.b is None else f"{side.upper()}: "
    st.header(f":{colours.NAMES[side]}[{letter}{errors.escape(address.model)}]{where}", anchor=False)


def name_of(row: Row) -> str:
    """A row as the title of its panel."""
    return f":{colours.NAMES[row.side]}[**{errors.escape(row.address.model)}**] `{row.name}`"


def _shown(row: Row, view: View, maps: bool) -> unit_card.Shown:
    if (result := results.find(row.key)) is not None:
        making.note(result)
        unit_page.note(row)
    return unit_card.Shown(
        side=row.side,
        address=row.address,
        key=row.key,
        index_key=index_request(row.address, view.data).key(),
        data=view.data,
        input_size=results.input_size(row.address.model),
        maps=maps,
        view=view,
    )


def _layer(row: Row, view: View, batch: Batch | None, maps: bool) -> None:
    shown, count, first = _shown(row, view, maps), len(row.address.names), 0
    if count > CARDS_A_PAGE:
        pages = -(-count // CARDS_A_PAGE)
        first = (st.pagination(pages, key=f"cards-{row.side}-{row.address}") - 1) * CARDS_A_PAGE
    pictures = 1 + view.opposite + view.importance
    fewest = count if in_halves(view) else FEWEST
    beside = max(1, min(max(count, fewest), MOST) // pictures)

    def cards(growing: Mapping[int, Growing]) -> None:
        with st.grid(beside, min_column_width=CARD * pictures, gap="small"):
            for place in range(first, min(first + CARDS_A_PAGE, count)):
                unit_card.draw(shown, place, growing.get(place))

    _live(row, batch, cards)


def _live(row: Row, batch: Batch | None, draw: Callable[[Mapping[int, Growing]], None]) -> None:
    """Draw a row, again and again while it is being made: nothing but its cards is drawn anew."""
    from engine.jobs.scheduler import jobs

    if results.find(row.key) is not None:
        draw({})
        return
    if row.key not in coming(batch):
        draw(making.kept_lately(row))
        return

    key = row.key

    def snapshot() -> Snapshot | None:
        return jobs().snapshot(key) if batch is not None and key in batch.submitted else None

    before = snapshot()
    running = before is not None and before.status == "running"

    @fragment(making.WATCHED[making.watched()][1] if running else WAITING_SECONDS)
    def live() -> None:
        now = snapshot()
        if now is not None and (now.status == "running") != running:
            st.rerun()
        draw(making.growing(row, now))

    live()


def _depth(rows: Sequence[Row], view: View, batch: Batch | None) -> None:
    if view.view in ("recipes", "sites"):
        comparison.draw(rows)
    # Rows of one picture or two stand beside each other: alone, each picture would fill the page.
    count = max(len(row.address.names) for row in rows)
    beside = st.grid(4 - count, min_column_width=count * 2 * TILE) if count <= BESIDE else st.container()
    with beside:
        for row in rows:
            recipe = row.title if row.title in COMPARED_RECIPES else view.recipe
            closer = view.but(a=row.address, b=None, view="layer", recipe=recipe)
            with st.container():
                _live(row, batch, lambda coming, row=row, closer=closer: titled_tiles(row, closer, coming))
