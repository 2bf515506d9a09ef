"""A search from home: a unit by its address, a model by its name, or a word that units may follow."""

from __future__ import annotations

import re
from contextlib import suppress

import streamlit as st

from engine.core.address import Address
from engine.core.choices import DEFAULT_MODELS, DEFAULT_READER
from engine.core.config import settings
from engine.core.errors import BadRequest, VitrineError
from pages.common import errors, query, serve
from pages.common.experiments.places import SCRIPTS
from pages.common.units.view import View

LABEL = "Search for a unit, a model or a word"
EXAMPLE = "starter-vit block 3 unit 12, efficientnet-lite0 or striped"
LONGEST = 200
"""Letters that are read."""
WANTED = "home_wanted"
FIRST_UNITS = (0, 1, 2, 3)
_LAYER, _UNIT = re.compile(r"\b(?:block|layer)s? ?(\d{1,4})\b", re.I), re.compile(r"\bunit ?(\d{1,6})\b", re.I)


def box() -> None:
    """The field; what is typed opens its page."""
    with st.form("home_find", border=False, enter_to_submit=True), st.container(horizontal=True, gap="xsmall"):
        text = st.text_input(
            LABEL, key="home_search", placeholder=EXAMPLE, label_visibility="collapsed", icon=":material/search:",
            max_chars=LONGEST,
        )  # fmt: skip
        asked = st.form_submit_button("Search")
    if asked:
        st.session_state[WANTED] = (text or "").strip()
    if st.session_state.get(WANTED):
        with errors.shown():
            serve.ready()  # runs the page again once the engine is there: what was asked for is kept until then
            page, link = found(st.session_state.pop(WANTED))
            st.switch_page(page, query_params=link)


def found(text: str) -> tuple[str, dict[str, str]]:
    """The page that shows what a text names, and the parameters of its link. Raises BadRequest for an address or the name of a
    hub's model that is none, Unavailable for a model that is not here."""
    from engine.models import catalog

    if "@" in text:
        return SCRIPTS["visualize"], query.write(View(a=address(text)))
    model = ""
    with suppress(VitrineError):
        model = catalog.find(text).name
    if model:
        return SCRIPTS["visualize"], query.write(units_of(model))
    if (named := spoken(text)) is not None:
        return SCRIPTS["visualize"], query.write(View(a=named))
    if "/" in text:
        catalog.find(text)  # says which names are near
    return SCRIPTS["concepts"], {"a": DEFAULT_READER, "b": DEFAULT_MODELS[0], "text": text}


def address(text: str) -> Address:
    """The address of units that are there. Raises BadRequest where it is none."""
    from pages.common.units.layers import check

    named = Address.parse(text)
    check(named)
    return named


def spoken(text: str) -> Address | None:
    """The units that a text names as one would say it: “starter-vit block 5 unit 123”; None where it does not begin with a
    model's name. Raises BadRequest where the rest names no unit of it."""
    from engine.evaluation.counterparts import usual
    from engine.models import catalog

    model, _, rest = text.partition(" ")
    try:
        name = catalog.find(model).name
    except VitrineError:
        return None
    layer, unit = _LAYER.search(rest), _UNIT.search(rest)
    if layer is None or unit is None:
        raise BadRequest(f"Write a unit of {name} as “{name} block 5 unit 123”, or as its address: {name}@layer:123.")
    layers = usual(catalog.sites_of(name).values())
    if int(layer[1]) >= len(layers):
        raise BadRequest(f"{name} has blocks 0 to {len(layers) - 1}; there is no block {int(layer[1])}.")
    return address(f"{name}@{layers[int(layer[1])].name}:{int(unit[1])}")


def units_of(model: str) -> View:
    """The first units of a layer late in a model, on images that suit it. Raises VitrineError where it cannot be loaded."""
    from engine.evaluation.counterparts import usual
    from engine.models import catalog

    layers = usual(catalog.sites_of(model).values())
    site = layers[max(0, len(layers) - 2)]
    of = Address(model, site.name, tuple(unit for unit in FIRST_UNITS[: settings().few(4)] if unit < site.units))
    return View(a=of, data=catalog.source_of(catalog.find(model)).suits)
