"""Spatial frequency: accuracy under filters, and the spectrum of input gradients through the depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from engine.core.address import Address
from engine.core.choices import NYQUIST_TICKS
from engine.core.config import settings
from pages.common import errors, query, words
from pages.common.charts import figure
from pages.common.experiments.places import SCRIPTS
from pages.common.units.view import View as UnitsView
from pages.common.words import shares
from pages.sections.reliance import charts, images
from pages.sections.reliance.charts import INTERVAL
from pages.sections.reliance.compared import cutoffs
from pages.sections.reliance.shown import Shown, together

if TYPE_CHECKING:
    from engine.core.request import Result

WANTED = "bg_layer_clicked"
LAYER, FILTERED = "units of its layer", "the scenes above under its filter"
FIRST_UNITS = (0, 1, 2, 3)


def frequency(shown: Shown) -> None:
    """Scenes under a low-pass, and the curves of low-pass and high-pass; the bands one at a time below."""
    from engine.evaluation.telling import between, pairs

    halves = {model: result.facts["low_half_cutoff"] for model, result in shown.computed.items()}
    told = [
        f"{errors.escape(model)} needs frequencies up to {value[0]:.2f} of Nyquist ({between(value[1], value[2], 2)})"
        for model, value in halves.items()
        if value
    ]
    finding = f"For half of its accuracy, {', '.join(told)}." if told else "No low-pass halves the accuracy."
    st.markdown(f"### {finding}")
    apart = cutoffs(shown.keys)
    for sentence in apart:
        st.markdown(errors.escape(sentence))
    if len(shown.computed) > 2 and apart:
        st.caption(f"The intervals of these differences allow for all {pairs(len(shown.computed))} pairs (Bonferroni).")
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
    from engine.evaluation.telling import between

    tables = shown.tables(kind)
    known = {model: area for model, result in shown.computed.items() if (area := result.facts[f"{kind}_area"])}
    areas = " · ".join(
        f"{errors.escape(model)} {value:.3f} ({between(low, high)})" for model, (value, low, high) in known.items()
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
        opens=f"the {words.shows(view.data)}s above at its cutoff" if low else FILTERED,
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
        shown.view.models, groups, rows, "top-1 accuracy", title="One band at a time",
        finding=_band_finding(shown.computed, bands),
    )  # fmt: skip
    note = f"Only one frequency band at a time, on mid-grey. {INTERVAL}"
    figure.draw(
        chart, together(bands), shown.source, key="bg_bands", note=note, opens=FILTERED, on_click=_turn(shown),
    )  # fmt: skip


def spectrum(shown: Shown) -> None:
    """Gradient spectrum: the mean frequency of units' input gradients, layer by layer."""
    from engine.reliance.gradient_spectrum import HIGH, MIDDLES, in_last

    curves, tables = {}, {}
    for model, layers in shown.tables("layers").items():
        tables[model] = layers.assign(where=layers["depth"] / max(len(layers) - 1, 1))
        about = [f"layer {depth}: {site}" for depth, site in zip(layers["depth"], layers["site"], strict=True)]
        opens = pd.Series([[model, site] for site in layers["site"]], dtype=object)
        drawn = charts.curve(tables[model], "where", "mean_frequency", "low", "high")
        curves[model] = drawn.assign(about=about, opens=opens.to_numpy())
    ends = ", ".join(
        f"{errors.escape(model)} from {_mean(table.iloc[0])} to {_mean(table.iloc[-1])}"
        for model, table in tables.items()
    )
    roles = ", ".join(f"{errors.escape(model)}: {result.facts['role']}" for model, result in shown.computed.items())
    chart = charts.curves(
        shown.view.models, curves, "depth: first layer 0, last 1", "mean frequency, of Nyquist", share=False,
        title="Frequency of input gradients",
        finding=f"Mean frequency of a unit's input gradient, first layer to last: {ends} of Nyquist. "
        f"{_last_layers(shown.computed, MIDDLES, _of_nyquist)}",
    )  # fmt: skip
    note = f"One random unit per image, differentiated at its strongest position ({roles}). {INTERVAL}"
    figure.draw(chart, together(tables), shown.source, key="bg_gradients", note=note, opens=LAYER, on_click=_wanted)
    rings = shown.tables("rings")
    peaks = ", ".join(
        f"{shares(high.value, high.low, high.high, digits=1)} in {errors.escape(model)}"
        for model, high in ((model, in_last(result, HIGH)) for model, result in shown.computed.items())
    )
    figure.draw(
        charts.spectrum(
            shown.view.models, rings, title="Gradient spectrum",
            finding=f"Share of the last layer's gradient above half of Nyquist: {peaks}. "
            f"{_last_layers(shown.computed, HIGH, _points)}",
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


def _band_finding(computed: Mapping[str, Result], bands: Mapping[str, pd.DataFrame]) -> str:
    """On which band each model is most accurate, where it is seen to be: the next may do as well."""
    from engine.reliance.frequency import best_band

    said = []
    for model, table in bands.items():
        best, following, lead, least = best_band(computed[model])
        rows, name = table.to_dict("records"), errors.escape(model)
        first = f"{_band(rows[best])}, {shares(*(rows[best][f'top1{end}'] for end in ('', '_low', '_high')))}"
        if following is None:
            said.append(f"{name}: {first}")
        elif lead.low > 0:
            ahead = f"{_points(lead.value)} ({_percents(lead.low, lead.high)}) more than on the next"
            said.append(f"{name} is most accurate on the band from {first}, {ahead}")
        else:
            said.append(
                f"{name} is most accurate on the band from {first}, but not seen to be more so than on that from "
                f"{_band(rows[following])}: {_points(lead.value)} ({_percents(lead.low, lead.high)}); {_points(least)} would "
                "have been seen in 80% of samples"
            )
    return " · ".join(said)


def _band(row: Mapping) -> str:
    return f"{row['from']:.2g} to {row['to']:.2g} of Nyquist"


def _last_layers(computed: Mapping[str, Result], weights: np.ndarray, tell: Callable[[float], str]) -> str:
    """How far the last layers of each two models lie apart on the same images, or what would have been seen."""
    from engine.reliance.gradient_spectrum import apart_in_last

    said = []
    for (one, a), (other, b) in combinations(computed.items(), 2):
        if (found := apart_in_last(a, b, weights)) is None:
            continue
        (value, low, high), least = found
        more, less = map(errors.escape, (one, other) if value >= 0 else (other, one))
        if low <= 0 <= high:
            said.append(
                f"no difference between {more} and {less} was seen ({tell(low)} to {tell(high)}); {tell(least)} would have been, "
                "in 80% of samples"
            )
        else:
            near, far = sorted((abs(low), abs(high)))
            said.append(f"{more} is {tell(abs(value))} ({tell(near)} to {tell(far)}) above {less}")
    return f"In the last layer, on the same images, {'; '.join(said)}." if said else ""


def _mean(row: pd.Series) -> str:
    return f"{row['mean_frequency']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def _of_nyquist(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def _points(value: float) -> str:
    return f"{100 * value:.1f} points".replace("-", "−")


def _percents(low: float, high: float) -> str:
    return f"{100 * low:.0f} to {100 * high:.0f}".replace("-", "−")
