"""Spatial frequency: accuracy under filters, and the spectrum of input gradients through the depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from pages.common import errors, figures
from pages.common.words import share
from pages.sections.reliance import charts
from pages.sections.reliance.charts import INTERVAL
from pages.sections.reliance.view import View

if TYPE_CHECKING:
    from engine.core.request import Result


TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def frequency(view: View, computed: Mapping[str, Result], turn: Callable[[View], None]) -> None:
    """Normalised low-pass and high-pass curves, and the band-pass sweep."""
    halves = {model: result.facts["low_half_cutoff"] for model, result in computed.items()}
    finding = "A low-pass halves the accuracy when it keeps, of Nyquist: " + ", ".join(
        f"{value[0]:.3f} ({value[1]:.3f} to {value[2]:.3f}) for {errors.escape(model)}"
        for model, value in halves.items()
        if value
    )
    if not any(halves.values()):
        finding = "No low-pass halves the accuracy"
    left, right = st.columns(2, gap="large")
    with left:
        _filter_curves(view, computed, "low", finding)
    with right:
        _filter_curves(view, computed, "high", "Accuracy without low frequencies")
    bands = {model: result.tables["band"] for model, result in computed.items() if "band" in result.tables}
    if bands:
        _bands(view, bands)


def _filter_curves(view: View, results: Mapping[str, Result], kind: str, finding: str) -> None:
    """The normalised curves of one kind of filter, low or high, under their finding."""
    tables = {model: result.tables[kind] for model, result in results.items() if kind in result.tables}
    areas = " · ".join(
        f"{errors.escape(model)} {result.facts[f'{kind}_area'][0]:.3f}"
        for model, result in results.items()
        if result.facts[f"{kind}_area"]
    )
    n = next(iter(results.values())).facts["images"]
    figures.draw(
        charts.curves(
            view.models,
            {model: charts.curve(table.query("kept > 0"), "kept", "normalised") for model, table in tables.items()},
            f"highest frequency {'kept' if kind == 'low' else 'removed'}, fraction of Nyquist",
            "top-1 relative to unfiltered images",
            ticks=TICKS,
        ),
        pd.concat([table.assign(model=model) for model, table in tables.items()]),
        f"{kind}-pass-curves",
        key=f"bg_{kind}",
        finding=finding,
        note=f"Area under the curve: {areas}. {n} images, {view.filter} filter. An image holds only so many frequencies: the "
        f"highest that a filter keeps lies below its nominal cutoff, which the CSV has too. {INTERVAL}",
    )


def _bands(view: View, bands: Mapping[str, pd.DataFrame]) -> None:
    """Accuracy on one band of the spectrum at a time."""
    first = next(iter(bands.values()))
    groups = [f"{row['from']:.2g} to {row['to']:.2g}" for row in first.to_dict("records")]
    series = {
        model: [charts.interval(row, "top1") for row in table.to_dict("records")] for model, table in bands.items()
    }
    chart = charts.bars(view.models, groups, series, "top-1 accuracy")
    chart.update_xaxes(title="frequency band, fractions of Nyquist")
    figures.draw(
        chart, pd.concat([table.assign(model=model) for model, table in bands.items()]), "bands", key="bg_bands",
        finding=_band_finding(bands), note=f"Only one frequency band at a time, on mid-grey. {INTERVAL}",
    )  # fmt: skip


def spectrum(view: View, computed: Mapping[str, Result], turn: Callable[[View], None]) -> None:
    """Gradient spectrum: the mean frequency of units' input gradients, layer by layer."""
    tables = {}
    for model, result in computed.items():
        layers = result.tables["layers"]
        last = max(len(layers) - 1, 1)
        tables[model] = layers.assign(where=layers["depth"] / last, model=model)
    chart = charts.curves(
        view.models,
        {model: charts.curve(table, "where", "mean_frequency", "low", "high") for model, table in tables.items()},
        "depth: first layer 0, last 1",
        "mean frequency, of Nyquist",
        False,
    )
    ends = ", ".join(
        f"{errors.escape(model)} from {table['mean_frequency'].iloc[0]:.2f} to {table['mean_frequency'].iloc[-1]:.2f}"
        for model, table in tables.items()
    )
    roles = ", ".join(f"{errors.escape(model)}: {result.facts['role']}" for model, result in computed.items())
    figures.draw(
        chart,
        pd.concat([table for table in tables.values()]),
        "gradients",
        key="bg_gradients",
        finding=f"Mean frequency of a unit's input gradient, first layer to last: {ends} of Nyquist",
        note=f"One random unit per image, differentiated at its strongest position ({roles}). {INTERVAL}",
    )
    rings = {model: result.tables["rings"] for model, result in computed.items()}
    peaks = ", ".join(
        f"{share(float(table.query('depth == depth.max() and `from` >= 0.5')['share'].sum()))} in {errors.escape(model)}"
        for model, table in rings.items()
    )
    figures.draw(
        charts.spectrum(view.models, rings),
        pd.concat([table.assign(model=model) for model, table in rings.items()]),
        "gradient-spectrum",
        key="bg_rings",
        finding=f"Share of the last layer's gradient above half of Nyquist: {peaks}",
        note="One row per layer, the first at the bottom; the CSV contains every share with its interval, and that of white "
        "noise.",
    )


def _band_finding(bands: Mapping[str, pd.DataFrame]) -> str:
    best = {model: table.loc[table["top1"].idxmax()] for model, table in bands.items()}
    return " · ".join(
        f"{errors.escape(model)} is most accurate on the band from {row['from']:.2g} to {row['to']:.2g} of Nyquist "
        f"({share(float(row['top1']))})"
        for model, row in best.items()
    )
