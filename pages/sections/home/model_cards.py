"""The catalog as cards: what each model is, a few pictures of its units, and the way to them; and what is not here, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from engine.core.address import Address
from engine.core.choices import USUAL_ROLES
from engine.core.config import settings
from pages.common import errors, query, words
from pages.common.experiments.places import SCRIPTS
from pages.common.units.view import View
from pages.sections.home import exhibition

if TYPE_CHECKING:
    from engine.models.catalog import Entry

PICTURES = 4
FIRST_UNITS = (0, 1, 2, 3)
WIDTH = 300
"""The least width of a card, in pixels."""


def draw() -> None:
    """A card for each model that is here, and a list of those that could be."""
    from engine.models import catalog

    entries = catalog.entries()
    here = [entry for entry in entries if entry.available]
    st.header("On this machine", anchor=False)
    if not here:
        st.info("No model is available. Check out the project again: it includes the starter models.")
    with st.grid("auto", min_column_width=WIDTH, gap="medium"):
        for entry in here:
            with st.container(border=True, gap="small", height="stretch", key=f"model-{entry.name}"):
                _card(entry)
    _elsewhere(entry for entry in entries if not entry.available)


def _card(entry: Entry) -> None:
    from engine.models import catalog

    st.subheader(errors.escape(entry.name), anchor=False)
    if shown := exhibition.of_model(entry.name, PICTURES):
        _pictures(entry.name, shown)
    told = accuracy(entry)
    if told:
        st.markdown(told)
    st.markdown(f"{facts(entry)}  \n:small[{errors.escape(entry.architecture)} · {catalog.source_of(entry).title}]")
    for note in filter(None, (entry.note, *entry.reading)):
        st.caption(errors.told(note))
    st.caption(f"For {uses(entry)}. Licence: {errors.escape(entry.licence or 'not given')}.")
    _open(entry, shown)


def _pictures(model: str, shown: list[tuple[Address, bytes]]) -> None:
    with st.grid(PICTURES, min_column_width=56, wrap=False, gap="xsmall"):
        for address, png in shown:
            name = f"unit {address.units[0]} of {address.site}"
            st.image(
                png,
                caption=f":small[{address.units[0]}]",
                width="stretch",
                output_format="PNG",
                alt=f"Picture of {name} of {model}",
            )
    sites = list(dict.fromkeys(address.site for address, _ in shown))
    st.caption(f"Pictures of units of {', '.join(errors.code(site) for site in sites)}")


def _open(entry: Entry, shown: list[tuple[Address, bytes]]) -> None:
    """The way to the model's units: a link where a layer is known, else a click that looks for one, for which it is loaded."""
    from engine.models import catalog

    data, label = catalog.source_of(entry).suits, "See its units"
    if shown:
        asked = View(a=Address(entry.name, shown[0][0].site, FIRST_UNITS[: settings().few(4)]), data=data)
        st.page_link(
            SCRIPTS["visualize"], label=label, icon=":material/arrow_forward:", query_params=query.write(asked)
        )
    elif st.button(label, icon=":material/arrow_forward:", key=f"see-{entry.name}", type="tertiary"):
        with errors.shown():
            asked = View(a=_late(entry.name), data=data)
            st.switch_page(SCRIPTS["visualize"], query_params=query.write(asked))


def _late(model: str) -> Address:
    """The first units of the last but one layer of the model's usual role. Raises VitrineError where it cannot be loaded."""
    from engine.models.catalog import sites_of

    sites = [*sites_of(model).values()]
    usual = next((alike for role in USUAL_ROLES if (alike := [site for site in sites if site.role == role])), sites)
    site = usual[max(0, len(usual) - 2)]
    return Address(model, site.name, tuple(unit for unit in FIRST_UNITS[: settings().few(4)] if unit < site.units))


def accuracy(entry: Entry) -> str:
    """Top-1 accuracy with its 95% interval, where it is known."""
    if entry.top1 is None:
        return ""
    told = f"**{words.share(entry.top1, 1)}** of held-out images classified correctly"
    if entry.top1_interval is None:
        return told
    low, high = entry.top1_interval
    return f"{told} (95% interval {words.percent(low, 1)} to {words.share(high, 1)})"


def facts(entry: Entry) -> str:
    """Input and classes, in one line."""
    _, height, width = entry.input_size
    classes = "" if entry.classes is None else f" · {entry.classes:,} classes"
    return f"{height} × {width} pixels{classes}"


def uses(entry: Entry) -> str:
    """What a model can be used for here."""
    from engine.models import catalog

    told = ["pictures, places and words of its units"]
    if entry.classes is not None:
        told.append("what its answers rely on")
    if catalog.reads_texts(entry):
        told.append("searching the units of any model by text")
    return ", and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def _elsewhere(entries: Iterable[Entry]) -> None:
    """The models that are not here, under the reason."""
    by_reason: dict[str, list[Entry]] = {}
    for entry in entries:
        by_reason.setdefault(errors.public(entry.note or "Not on this machine."), []).append(entry)
    if not by_reason:
        return
    st.header("Not on this machine", anchor=False)
    for why, absent in by_reason.items():
        st.caption(errors.escape(why))
        st.dataframe(
            pd.DataFrame([_line(entry) for entry in absent]),
            hide_index=True,
            alt=f"Models that are not on this machine: {why}",
        )


def _line(entry: Entry) -> dict[str, str]:
    _, height, width = entry.input_size
    return {
        "Model": entry.name,
        "Input": f"{height} × {width}",
        "Classes": "" if entry.classes is None else f"{entry.classes:,}",
        "Licence": entry.licence,
    }
