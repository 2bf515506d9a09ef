"""Choosing what to look at: a model, a layer on its picture, units of it. Widgets to an Address.

Invariant: nothing here computes; what a person chose stays chosen while the session lasts.
"""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st

from engine.core.address import Address, format_units, parse_selection
from engine.core.choices import PHOTOS, STARTER
from engine.core.config import settings
from engine.core.errors import VitrineError
from engine.models.catalog import sites_of
from pages.common import errors, job_panel, results, who
from pages.common.batch import Batch
from pages.common.charts.clicks import clicked
from pages.common.colours import Side
from pages.common.units.layers import check, usual
from pages.common.units.rows import index_request
from pages.common.units.view import View
from pages.common.widgets import FIRST, KEEP, NONE, available_models, including, number, say_how_model_is_read
from pages.sections.visualize import layer_picture, recipe_form

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from engine.evaluation.index import IndexRequest
    from engine.sites.access import Site

FIRST_UNITS = 8
STRIP = 92
"""How high the picture of a model is, in pixels."""
TARGETS = (
    "  \n**Other targets**, separated by commas:  \n"
    "`120@3x5` unit 120 at one position: row 3, column 5, from the top left  \n"
    "`head2` an attention head (query, key, value): mean over its channels  \n"
    "`(3-0.5*7)` sums and differences  \n"
    "`invert:17` feature inversion: a picture with the activations of image 17 of the data set  \n"
    "`caricature:17` the activations of image 17, exaggerated  \n"
    "`text(a red boat)` similarity to a text, on `head.embedding` of a CLIP (write a comma as `%2C`)  \n"
    "`dir-…` a direction in the layer, from a file: see **Files**"
)
NOWHERE = Address("", "", ())


def field(side: Side, name: str) -> str:
    """The session's key of one widget of one side."""
    return f"fv_{side}_{name}"


def fill(view: View) -> None:
    """Put a view into the widgets, before they are drawn."""
    state = st.session_state
    for side in ("a", "b"):
        address = view.sides.get(side)
        state[field(side, "model")] = address.model if address else NONE
        if address:
            state[field(side, "layer")] = address.site
            state[field(side, "units")] = address.written
    state["fv_recipe"], state["fv_seed"], state["fv_opposite"] = view.recipe, view.seed, view.opposite
    state["fv_data"] = view.data
    recipe_form.fill(view)
    state["fv_start"], state["fv_importance"] = view.start, view.importance
    state["fv_several"], state["fv_seeds"] = view.several, view.seeds
    state["fv_shown"] = view.view


def side(which: Side, data: str, picture: bool = True) -> Address | None:
    """The controls of one side, with the picture of its model or without; None where no model or no valid units are chosen (and
    what is wrong is said)."""
    letter = which.upper()
    names = ([] if which == "a" else [NONE]) + available_models()
    chosen = st.session_state.setdefault(field(which, "model"), FIRST[which] if FIRST[which] in names else names[0])
    with st.container(key=f"fv_side_{which}", gap="xsmall"):
        widths = [1.15, 1.45, 1] if chosen != NONE else [1, 0.01, 0.01]  # alone, its words are longer
        first, second, third = st.columns(widths, gap="xsmall", vertical_alignment="bottom")
        model = first.selectbox(
            f"Model {letter}",
            including(names, chosen),
            key=field(which, "model"),
            accept_new_options=True,
            placeholder="timm/resnet50.a1_in1k",
            on_change=_suit_data,
            **KEEP,
        )
        if not model or model == NONE:
            return None
        say_how_model_is_read(model)
        try:
            with st.skeleton(height=STRIP):
                sites = list(sites_of(model).values())
            site = layer(which, sites, second, picture)
            return units(which, model, site, data, third)
        except Exception as error:
            errors.show(error)
            return None


def layer(which: Side, sites: list[Site], place: DeltaGenerator, picture: bool = True) -> Site:
    """The layer picker: the `picture` of the model, and in `place` the same choice as a list for the keyboard."""
    by_name = {site.name: site for site in sites}
    key, letter = field(which, "layer"), which.upper()
    if st.session_state.get(key) not in by_name:
        st.session_state[key] = usual(sites).name
        if field(which, "units") in st.session_state:  # those of another model
            _suit_units(which)
    name = place.selectbox(f"Layer of {letter}", list(by_name), key=key, on_change=_suit_units, args=(which,), **KEEP)
    if not picture:
        return by_name[name]
    st.plotly_chart(
        layer_picture.figure(sites, which, name, STRIP),
        key=field(which, "picture"),
        on_select=lambda: _picked(which),
        selection_mode="points",
        config={"displayModeBar": False},
        alt=f"Diagram of the layers of model {letter}; {name} is selected. The list above it offers the same layers.",
    )
    return by_name[name]


def units(which: Side, model: str, site: Site, data: str, place: DeltaGenerator) -> Address:
    """Units and targets, as `place` says them. Raises VitrineError where this layer has none such."""
    st.session_state.setdefault(field(which, "units"), format_units(range(settings().few(FIRST_UNITS))))
    text = place.text_input(
        f"Units of {which.upper()}",
        key=field(which, "units"),
        placeholder="0-7, 42",
        help=f"Numbers and ranges from 0 to {site.units - 1}, like 5, 0-15 or 0:16. {TARGETS}",
        **KEEP,
    )
    address = Address(model, site.name, *parse_selection(text or "", settings().units_limit))
    check(address, data)
    return address


def choice(which: Side, data: str) -> None:
    """Further ways to come to units of the chosen layer: at random, or the most selective. Each fills in the units."""
    state, letter = st.session_state, which.upper()
    model, layer = state.get(field(which, "model")), state.get(field(which, "layer"))
    if not model or model == NONE or not layer:
        return
    with st.popover(f"Choose units of {letter}", icon=":material/casino:"), errors.shown():
        site = sites_of(model)[layer]
        count = number("How many", field(which, "count"), 8, most=min(64, site.units), least=1)
        draw = number("Random seed", field(which, "draw"), 0, most=99_999, least=0)
        drawn = tuple(sorted(random.Random(draw).sample(range(site.units), count)))
        _fills(which, "At random", ":material/shuffle:", drawn)
        index = results.find(index_request(Address(model, layer, (0,)), data).key())
        if index is not None:
            from engine.evaluation.index import most_selective

            _fills(which, "Most selective", ":material/filter_alt:", tuple(most_selective(index, count)))
            st.caption("The most selective are those whose strongest images stand out most.")
            return
        _index(which, index_request(Address(model, layer, (0,)), data))


def _fills(which: Side, label: str, icon: str, units: tuple[int, ...]) -> None:
    def put() -> None:
        st.session_state[field(which, "units")] = format_units(units)

    st.button(label, key=field(which, label), icon=icon, on_click=put, help=f"Units {format_units(units)}")


def _index(which: Side, request: IndexRequest) -> None:
    """A button that computes the layer's index, and how far it is."""
    st.caption("The most selective units are known once the layer is indexed: its activations on all images.")
    key, batches = request.key(), st.session_state.setdefault("fv_indexing", {})
    if st.button("Run: index this layer", key=field(which, "index"), icon=":material/table_chart:"):
        batches[key] = Batch.of([request], who.person())
    if key in batches:
        job_panel.draw(batches[key], {key: f"Indexing `{request.model}@{request.site}`"}, f"index-{which}")


def _picked(which: Side) -> None:
    """A click on the picture: its layer becomes the chosen one."""
    if (picked := clicked(st.session_state.get(field(which, "picture")))) is not None:
        st.session_state[field(which, "layer")] = picked[0]
        _suit_units(which)


def _suit_units(which: Side) -> None:
    """Of the units that were chosen, those that another layer has stay; the first ones where it has none of them."""
    state = st.session_state
    with suppress(VitrineError):  # said beside the widget
        site = sites_of(state[field(which, "model")])[state[field(which, "layer")]]
        units, targets = parse_selection(state[field(which, "units")], settings().units_limit)
        if any(unit >= site.units for unit in units):
            left = Address("", "", tuple(unit for unit in units if unit < site.units), targets)
            state[field(which, "units")] = left.written or format_units(range(settings().few(FIRST_UNITS)))


def _suit_data() -> None:
    """Photos suit networks that learned from photos; the starter's scenes would take minutes at their size. Images of one's own
    stay chosen."""
    from engine.models import catalog

    if st.session_state.get("fv_data", STARTER) not in (STARTER, PHOTOS):
        return
    chosen = [st.session_state.get(field(which, "model")) for which in ("a", "b")]
    try:
        suiting = {catalog.source_of(catalog.find(name)).suits for name in chosen if name and name != NONE}
    except VitrineError:
        return  # said beside the widget
    st.session_state["fv_data"] = suiting.pop() if len(suiting) == 1 else PHOTOS
