"""Spatial frequency: accuracy under filters, and the spectrum of input gradients through the depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from engine.core.address import Address
from engine.core.choices import NYQUIST_TICKS
from engine.core.config import settings
from pages.common import errors, query
from pages.common.charts import figure
from pages.common.experiments.places import SCRIPTS
from pages.common.units.view import View as UnitsView
from pages.common.words import share
from pages.sections.reliance import charts, images
from pages.sections.reliance.charts import INTERVAL
from pages.sections.reliance.compared import cutoffs
from pages.sections.reliance.shown import Shown, together

WANTED = "bg_layer_clicked"
LAYER, FILTERED = "units of its layer", "the scenes above under its filter"
FIRST_UNITS = (0, 1, 2, 3)


def frequency(shown: Shown) -> None:
    """Scenes under a low-pass, and the curves of low-pass and high-pass; the bands one at a time below."""
    halves = {model: result.facts["low_half_cutoff"] for model, result in shown.computed.items()}
    told = [
        f"{errors.escape(model)} needs frequencies up to {value[0]:.2f} of Nyquist ({value[1]:.2f} to {value[2]:.2f})"
        for model, value in halves.items()
        if value
    ]
    finding = f"For half of its accuracy, {', '.join(told)}." if told else "No low-pass halves the accuracy."
    st.markdown(f"### {finding}")
    for sentence in cutoffs(shown.keys):
        st.markdown(errors.escape(sentence))
    images.filtered(shown, shown.view.cutoff)
    drawn = {kind: _curves(shown, kind) for kind in ("low", "high")}
    highs = [float(table["high"].max()) for tables in drawn.values() for table in tables.values()]
    most = max([1.0, *(high for high in highs if high == high)])  # not a number where nothing is answered correctly
    left, right = st.columns(2, gap="large")
    with left:
        _filter_curves(shown, "low", "Without high frequencies", most)
    with right:
        _filter_curves(shown, "high", "Without low frequencies", most)
    bands = shown.tables("band")
    if bands:
        with st.expander("One band at a time", icon=":material/equalizer:"):
            _bands(shown, bands)


def _curves(shown: Shown, kind: str) -> dict[str, pd.DataFrame]:
    """The normalised accuracies of each model under one kind of filter; a point of a high-pass opens it."""
    curves = {}
    for model, table in shown.tables(kind).items():
        kept = table["kept"] > 0
        curves[model] = charts.curve(table[kept], "kept", "normalised")
        if kind == "high":
            opens = pd.Series(_places(shown, kind), table.index, dtype=object)
            curves[model] = curves[model].assign(opens=opens[kept])
    return curves


def _places(shown: Shown, kind: str) -> list[list[int]]:
    """The places of the filters of a kind among all of them, in the order of its table, as a point carries them."""
    return [[place] for place, (name, *_) in enumerate(shown.first.facts["variants"]) if name == kind]


def _filter_curves(shown: Shown, kind: str, finding: str, most: float) -> None:
    """The normalised curves of one kind of filter, low or high, under their finding; `most` is the highest of both kinds."""
    tables = shown.tables(kind)
    areas = " · ".join(
        f"{errors.escape(model)} {result.facts[f'{kind}_area'][0]:.3f}"
        for model, result in shown.computed.items()
        if result.facts[f"{kind}_area"]
    )
    chart = charts.curves(
        shown.view.models,
        _curves(shown, kind),
        f"highest frequency {'kept' if kind == 'low' else 'removed'}, fraction of Nyquist",
        "top-1, share of that on whole images",
        ticks=NYQUIST_TICKS,
        most=most,
        title=f"Accuracy {finding[0].lower()}{finding[1:]}",
        finding=finding,
    )
    view, low = shown.view, kind == "low"
    figure.draw(
        chart, together(tables), shown.source, key=f"bg_{kind}",
        note=f"Area under the curve: {areas}. {shown.first.facts['images']} images, {shown.view.filter} filter. The highest "
        f"frequency that a filter keeps lies below its nominal cutoff, which the CSV has too. {INTERVAL}",
        opens="the scenes above at its cutoff" if low else FILTERED,
        on_click=(lambda what: shown.turn(view.model_copy(update={"cutoff": float(what[0])}))) if low else _turn(shown),
    )  # fmt: skip


def _turn(shown: Shown) -> Callable[[list[Any]], None]:
    """A point was clicked: the scenes are shown under its filter too."""
    return lambda what: shown.turn(shown.view.model_copy(update={"at": int(what[0])}))


def _bands(shown: Shown, bands: Mapping[str, pd.DataFrame]) -> None:
    """Accuracy on one band of the spectrum at a time."""
    first = next(iter(bands.values()))
    groups = [f"{row['from']:.2g} to {row['to']:.2g} of Nyquist" for row in first.to_dict("records")]
    places = _places(shown, "band")
    rows = {
        model: [
            {**charts.interval(row, "top1"), "opens": place}
            for row, place in zip(table.to_dict("records"), places, strict=True)
        ]
        for model, table in bands.items()
    }
    chart = charts.bars(
        shown.view.models, groups, rows, "top-1 accuracy", title="One band at a time", finding=_band_finding(bands)
    )
    note = f"Only one frequency band at a time, on mid-grey. {INTERVAL}"
    figure.draw(
        chart, together(bands), shown.source, key="bg_bands", note=note, opens=FILTERED, on_click=_turn(shown),
    )  # fmt: skip


def spectrum(shown: Shown) -> None:
    """Gradient spectrum: the mean frequency of units' input gradients, layer by layer."""
    curves, tables = {}, {}
    for model, layers in shown.tables("layers").items():
        tables[model] = layers.assign(where=layers["depth"] / max(len(layers) - 1, 1))
        about = [f"layer {depth}: {site}" for depth, site in zip(layers["depth"], layers["site"], strict=True)]
        opens = pd.Series([[model, site] for site in layers["site"]], dtype=object)
        drawn = charts.curve(tables[model], "where", "mean_frequency", "low", "high")
        curves[model] = drawn.assign(about=about, opens=opens.to_numpy())
    ends = ", ".join(
        f"{errors.escape(model)} from {table['mean_frequency'].iloc[0]:.2f} to {table['mean_frequency'].iloc[-1]:.2f}"
        for model, table in tables.items()
    )
    roles = ", ".join(f"{errors.escape(model)}: {result.facts['role']}" for model, result in shown.computed.items())
    chart = charts.curves(
        shown.view.models, curves, "depth: first layer 0, last 1", "mean frequency, of Nyquist", share=False,
        title="Frequency of input gradients",
        finding=f"Mean frequency of a unit's input gradient, first layer to last: {ends} of Nyquist.",
    )  # fmt: skip
    note = f"One random unit per image, differentiated at its strongest position ({roles}). {INTERVAL}"
    figure.draw(chart, together(tables), shown.source, key="bg_gradients", note=note, opens=LAYER, on_click=_wanted)
    rings = shown.tables("rings")
    peaks = ", ".join(
        f"{share(float(table.query('depth == depth.max() and `from` >= 0.5')['share'].sum()))} in {errors.escape(model)}"
        for model, table in rings.items()
    )
    figure.draw(
        charts.spectrum(
            shown.view.models, rings, title="Gradient spectrum",
            finding=f"Share of the last layer's gradient above half of Nyquist: {peaks}.",
        ),
        together(rings), shown.source, key="bg_rings",
        note="One row per layer, the first at the bottom; the CSV has every share with its interval, and that of white noise.",
        opens=LAYER, on_click=_wanted,
    )  # fmt: skip
    if (wanted := st.session_state.pop(WANTED, None)) is not None:
        asked = UnitsView(a=Address(wanted[0], wanted[1], FIRST_UNITS[: settings().few(4)]), data=shown.view.data)
        st.switch_page(SCRIPTS["visualize"], query_params=query.write(asked))


def _wanted(what: list) -> None:
    """A layer was clicked: its units are opened when the page runs again, from where one can go to another page."""
    st.session_state[WANTED] = tuple(map(str, what))


def _band_finding(bands: Mapping[str, pd.DataFrame]) -> str:
    best = {model: table.loc[table["top1"].idxmax()] for model, table in bands.items()}
    return " · ".join(
        f"{errors.escape(model)} is most accurate on the band from {row['from']:.2g} to {row['to']:.2g} of Nyquist "
        f"({share(float(row['top1']))})"
        for model, row in best.items()
    )
