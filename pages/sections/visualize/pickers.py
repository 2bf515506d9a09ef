"""Choosing what to look at: a model, a layer on its picture, units of it. Widgets to an Address.

Invariant: nothing here computes; what a person chose stays chosen while the session lasts.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import streamlit as st

from engine.core.address import Address, format_units, parse_selection
from engine.core.choices import PHOTOS
from engine.core.config import settings
from engine.core.errors import BadRequest, VitrineError
from engine.models.catalog import sites_of
from pages.common import colours, errors, job_panel, results, serve
from pages.common.batch import Batch, give_way
from pages.common.colours import Side
from pages.common.units.layers import check
from pages.common.units.rows import index_request
from pages.common.units.view import View
from pages.common.widgets import FIRST, KEEP, NONE, available_models, number, say_how_model_is_read
from pages.sections.visualize import layer_picture, recipe_form

if TYPE_CHECKING:
    from engine.sites.access import Site

BY_NUMBER, AT_RANDOM, SELECTIVE = "Number", "Random", "Selective"
FIRST_UNITS = "0-7"
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
            state[field(side, "how")] = BY_NUMBER
            state[field(side, "units")] = address.written
    state["fv_recipe"], state["fv_seed"], state["fv_opposite"] = view.recipe, view.seed, view.opposite
    state["fv_data"] = view.data
    recipe_form.fill(view)
    state["fv_start"], state["fv_importance"] = view.start, view.importance
    state["fv_several"], state["fv_seeds"] = view.several, view.seeds
    state["fv_shown"] = view.view


def side(which: Side, data: str) -> Address | None:
    """The widgets of one side; None where no model or no valid units are chosen (and what is wrong is said)."""
    colour, letter = colours.NAMES[which], which.upper()
    names = ([] if which == "a" else [NONE]) + available_models()
    chosen = st.session_state.setdefault(field(which, "model"), FIRST[which] if FIRST[which] in names else names[0])
    model = st.selectbox(
        f":{colour}[**Model {letter}**]",
        names if chosen in names else [*names, chosen],
        key=field(which, "model"),
        accept_new_options=True,
        help="Type the name of any timm model with pretrained weights, like timm/resnet50.a1_in1k, to download it.",
        on_change=_suit_data,
        **KEEP,
    )
    if not model or model == NONE:
        errors.hint("Choose a second model for a side-by-side comparison.")
        return None
    say_how_model_is_read(model)
    try:
        with st.skeleton(height=190):
            sites = sites_of(model)
        site = layer(which, list(sites.values()))
        return units(which, model, site, data)
    except Exception as error:
        errors.show(error)
        return None


def layer(which: Side, sites: list[Site]) -> Site:
    """The layer picker: the picture of the model, and the same choice as a list for the keyboard."""
    by_name = {site.name: site for site in sites}
    key = field(which, "layer")
    if st.session_state.get(key) not in by_name:
        st.session_state[key] = usual_layer(sites).name
    chosen = st.session_state[key]
    st.plotly_chart(
        layer_picture.figure(sites, which, chosen),
        key=field(which, "picture"),
        on_select=lambda: _picked(which),
        selection_mode="points",
        config={"displayModeBar": False},
        alt=f"Diagram of the layers of model {which.upper()}; {chosen} is selected. The list below offers the same layers.",
    )
    name = st.selectbox(
        "Layer",
        list(by_name),
        key=key,
        format_func=lambda name: f"{name} · {layer_picture.measured(by_name[name])}",
        help=layer_picture.caption(sites),
        **KEEP,
    )
    return by_name[name]


def usual_layer(sites: list[Site]) -> Site:
    """Where a newcomer begins: three quarters into the network, in the MLP of a ViT or a block of a CNN."""
    role = "mlp.hidden" if layer_picture.is_transformer(sites) else "stage.block"
    alike = [site for site in sites if site.role == role] or sites
    return alike[min(3 * len(alike) // 4, len(alike) - 1)]


def units(which: Side, model: str, site: Site, data: str) -> Address:
    """Units (and targets) by number, at random or by selectivity. Raises VitrineError where this layer has none such."""
    st.session_state.setdefault(field(which, "how"), BY_NUMBER)
    st.session_state.setdefault(field(which, "units"), FIRST_UNITS)
    left, right = st.columns([2.1, 1], vertical_alignment="bottom")
    with left:
        how = st.segmented_control(
            "Select units by",
            [BY_NUMBER, AT_RANDOM, SELECTIVE],
            key=field(which, "how"),
            required=True,
            help="By number or range, at random, or the most selective (those whose strongest scenes stand out most).",
            **KEEP,
        )
    if how == BY_NUMBER:
        text = right.text_input(
            "Units",
            key=field(which, "units"),
            placeholder="0-7, 42",
            help=f"Numbers and ranges from 0 to {site.units - 1}, like 5, 0-15 or 0:16. {TARGETS}",
            **KEEP,
        )
        address = Address(model, site.name, *parse_selection(text or "", settings().units_limit))
        check(address, data)
        return address
    with right:
        count = number("How many", field(which, "count"), 8, most=min(64, site.units), least=1)
    if how == AT_RANDOM:
        draw = number("Random seed", field(which, "draw"), 0, most=99_999, least=0)
        drawn = tuple(sorted(random.Random(draw).sample(range(site.units), count)))
        st.caption(f"Units {format_units(drawn)} of {site.units}")
        return Address(model, site.name, drawn)
    return Address(model, site.name, selective(which, Address(model, site.name, (0,)), count, data))


def selective(which: Side, address: Address, count: int, data: str) -> tuple[int, ...]:
    """The most selective units of the layer's index, which a click computes where it is not there yet."""
    from engine.evaluation.index import most_selective

    request = index_request(address, data)
    key = request.key()
    if (index := results.find(key)) is not None:
        units = tuple(most_selective(index, count))
        st.caption(f"Units {format_units(units)}: the most selective units of this layer.")
        return units
    batches = st.session_state.setdefault("fv_indexing", {})
    if st.button("Index this layer", key=field(which, "index"), icon=":material/table_chart:"):
        batches[key] = Batch.of([request], serve.owner())
        give_way()
    if key in batches:
        job_panel.draw(batches[key], {key: f"Indexing `{address.model}@{address.site}`"}, f"index-{which}")
    raise BadRequest(
        f"Selectivity is known once {address.site} has been indexed on the whole data set. Index it first."
    )


def _picked(which: Side) -> None:
    """A click on the picture: its layer becomes the chosen one."""
    event = st.session_state.get(field(which, "picture")) or {}
    points = event["selection"]["points"] if event else []
    if points and points[0].get("customdata"):
        st.session_state[field(which, "layer")] = points[0]["customdata"][0]


def _suit_data() -> None:
    """Photos suit networks that learned from photos; the starter's scenes would take minutes at their size."""
    from engine.models import catalog

    chosen = [st.session_state.get(field(which, "model")) for which in ("a", "b")]
    try:
        suiting = {catalog.source_of(catalog.find(name)).suits for name in chosen if name and name != NONE}
    except VitrineError:
        return  # said beside the widget
    st.session_state["fv_data"] = suiting.pop() if len(suiting) == 1 else PHOTOS
