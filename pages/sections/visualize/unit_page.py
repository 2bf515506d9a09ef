"""One unit alone: its picture large, what it is called, how it responds, its strongest and weakest images, and its neighbours."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from engine.core.address import Address
from engine.core.choices import DEFAULT_DATA
from engine.core.errors import VitrineError
from engine.models.catalog import sites_of
from engine.sites.access import find
from pages.common import colours, errors, query, results, serve, sharing, words
from pages.common.experiments.places import SCRIPTS, link_to_photo
from pages.common.keeping import kinds
from pages.common.style import THUMBS
from pages.common.units.growing import Growing
from pages.common.units.rows import Row, request, rows
from pages.common.units.view import View
from pages.sections.visualize import figure, quality, style, unit_card, unit_facts
from pages.sections.visualize.unit_card import Shown

PICTURE = 768
"""How wide the picture is sent, in pixels, at least: a wide screen draws it so large."""
STRONGEST, WEAKEST = 8, 4
TRIES = 24
"""How many units are looked at for one whose picture is there."""


_SEEN: OrderedDict[tuple[str, int | str], Row] = OrderedDict()
MOST_SEEN = 4096


def note(row: Row) -> None:
    """Keep in mind which row has the pictures of these units: alone, they are the same."""
    for name in row.address.names:
        _SEEN[_how(row), name] = row
    while len(_SEEN) > MOST_SEEN:
        _SEEN.popitem(last=False)


def _how(row: Row) -> str:
    """All but the units of what a row asks for."""
    return row.request.model_copy(update={"units": (), "targets": ()}).canonical()


def is_alone(view: View | None) -> bool:
    """Whether a view is of one unit, or one target, alone."""
    return view is not None and view.view == "layer" and view.b is None and len(view.a.names) == 1


def rows_of(view: View) -> tuple[list[Row], int | None]:
    """The rows of a view and, where it is of one unit alone, the place of its picture: in a row that has been shown, where its
    own is not there. Raises VitrineError where a row cannot be made."""
    found = rows(view)
    if not is_alone(view):
        return found, None
    row, name = found[0], view.a.names[0]
    if results.find(row.key) is None:
        other = _SEEN.get((_how(row), name))
        if other is not None and results.find(other.key) is not None:
            return [replace(other, side=row.side)], other.address.names.index(
                name
            )  # it may have stood on the other side
    return found, 0


def draw(shown: Shown, place: int = 0, growing: Growing | None = None) -> None:
    """The page of the unit at this place of its row, below the line that says how it stands."""
    left, right = st.columns([1, 1.9], gap="large")
    result, key = shown.result, f"unit-{shown.side}-{shown.address.site}-{shown.address.names[place]}"
    facts = None if result is None else result.tables["units"].iloc[place].to_dict()
    with left, st.container(key=f"card-{shown.side}-{shown.address.names[place]}", gap="xsmall"):
        unit_card.pictures(shown, place, growing, PICTURE)
        with st.container(key=f"said-{shown.side}", gap=None):
            if result is not None and facts is not None:
                st.caption(
                    unit_card.verdict(facts, shown.data), help=unit_card.details(facts, shown.data, result.facts)
                )
                quality.draw(result, facts)
            else:
                st.caption(growing.text if growing else "Not made yet")
        if result is not None and "variants" in result.arrays:
            quality.variants(shown.key, result, place)
    with right, st.container(key=style.FACTS):
        st.header("Strongest images", anchor=False)
        unit_card.strongest(shown, place, STRONGEST, STRONGEST)
        if (known := shown.known(place)) is not None:
            model, strongest = shown.address.model, int(known.top[0])
            models = [model, unit_facts.other_of(model)]
            link_to_photo("All that fires on the strongest", strongest, shown.data, models, ":material/image_search:")
        _weakest(shown, place)
        if unit_card.on_images(shown, place) is not None:
            st.header("On all images", anchor=False)
            unit_card.distribution(shown, place, facts, key)
    unit = shown.address.names[place]
    if isinstance(unit, int):
        with st.container(key=f"{style.FACTS}-more"):
            unit_facts.draw(shown, unit)
    if result is not None:
        with st.expander("How the picture grew", type="compact", key=f"{key}-grew", on_change="rerun") as more:
            if more.open:
                unit_card.growth(shown, place, key)
    unit_card.tools(shown, place, key)


def heading(view: View) -> bool:
    """Instead of the page's title, where a unit is shown alone: its name, the units before and after it, and a way to a random
    one. False where several are shown."""
    if not is_alone(view):
        return False
    unit, address = view.a.names[0], view.a
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        model = f":{colours.NAMES['a']}[{errors.escape(address.model)}]"
        title = f"{errors.escape(words.target(unit))} · {model} · {errors.code(address.site)}"
        st.title(title, anchor=False, width="content")
        if not isinstance(unit, int):
            return True
        count = 0
        with suppress(VitrineError):  # the rest of the page says what is wrong
            count = find(sites_of(address.model), address.site).units
        if not count:
            return True
        with st.container(horizontal=True, width="content", gap="small", vertical_alignment="center"):
            _neighbour(view, (unit - 1) % count, ":material/chevron_left:", "left")
            _neighbour(view, (unit + 1) % count, ":material/chevron_right:", "right")
            if st.button(
                "Surprise me", icon=":material/casino:", key="fv_surprise", help="A unit of this layer at random."
            ):
                chosen = surprise(view, unit, count)
                st.switch_page(SCRIPTS["visualize"], query_params=query.write(chosen))
    return True


def _of(view: View, unit: int) -> View:
    return view.but(a=Address(view.a.model, view.a.site, (unit,)), b=None)


def came_along(link: Mapping[str, str], places: Mapping[str, str]) -> bool:
    """The picture of the unit that a link names, where it came with Vitrine (`places`: stored keys by address) and its network is
    not here. False, and nothing drawn, for all others."""
    named = None
    with suppress(VitrineError):
        named = Address.parse(link.get("a", ""))
    if named is None or link.get("b") or (key := places.get(str(named))) is None:
        return False
    serve.ready()
    why = absent(named.model)
    result = results.find(key) if why else None
    if result is None:
        return False
    st.title(f"{errors.escape(words.target(named.names[0]))} · {errors.escape(named.model)}", anchor=False)
    st.caption(f"{errors.code(named.site)} · This picture and its numbers came with Vitrine.")
    st.info(f"{errors.escape(why)} Then its strongest images and other units can be seen too.", icon=":material/info:")
    view = View(a=named, data=link.get("data", DEFAULT_DATA))
    shown = Shown("a", named, key, "", view.data, (PICTURE, PICTURE), False, view)
    left, right = st.columns([1, 1.6], gap="large")
    with left:
        unit_card.pictures(shown, 0, side=PICTURE)
    with right:
        facts = result.tables["units"].iloc[0].to_dict()
        st.markdown(unit_card.verdict(facts, shown.data))
        st.caption(unit_card.details(facts, shown.data, result.facts))
        unit_card.growth(shown, 0, "came-along")
        with st.container(horizontal=True):
            figure.popover(figure.Wanted(view, (shown,), 0), "came-along")
            keeps = partial(kinds.unit, view, key, 0)
            sharing.link_and_zip(query.write(view), [key], "came_along", "vitrine", sharing.PICTURES, keeps)
    return True


def absent(model: str) -> str:
    """Why a model cannot be used here, and what to do; empty where it can."""
    from engine.models import catalog

    try:
        entry = catalog.find(model)
    except VitrineError as error:
        return str(error)
    return "" if entry.available else entry.note


def _neighbour(view: View, unit: int, icon: str, side: str) -> None:
    st.page_link(
        SCRIPTS["visualize"],
        label=f"Unit {unit}",
        icon=icon,
        icon_position="left" if side == "left" else "right",
        query_params=query.write(_of(view, unit)),
    )


def surprise(view: View, unit: int, count: int) -> View:
    """Another unit of the layer at random: one whose picture is there, if some tries find one."""
    others = [other for other in range(count) if other != unit] or [unit]
    drawn = random.sample(others, min(TRIES, len(others)))
    views = [_of(view, other) for other in drawn]
    return next((each for each in views if results.find(request(each, each.a).key()) is not None), views[0])


def _weakest(shown: Shown, place: int) -> None:
    """The images that the unit responds to least."""
    unit, known = shown.address.names[place], shown.known(place)
    if known is None:
        return
    st.header("Weakest images", anchor=False)
    numbers = known.images[np.argsort(known.values, kind="stable")[:WEAKEST]]
    dataset = results.dataset(shown.data)
    told = [dataset.describe(int(number)) for number in numbers]
    with (
        st.container(key=f"{THUMBS}-weakest-{shown.side}"),
        st.grid(2 * WEAKEST, min_column_width=36, wrap=False, gap="xxsmall"),
    ):
        for number, facts in zip(numbers, told, strict=True):
            data = results.image(shown.data, int(number), shown.input_size)
            st.image(data, width="stretch", output_format="PNG", alt=f"Weak for unit {unit}: {words.scene(facts)}")
    st.caption(f":small[{unit_card.listed(told)}]")
