"""Place, texture and shape: what is answered when one cue says one thing and another something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from pages.common import errors
from pages.common.charts import figure
from pages.common.words import share, shares
from pages.sections.reliance import charts
from pages.sections.reliance.charts import INTERVAL, VARIANTS, interval
from pages.sections.reliance.shown import Shown, together

if TYPE_CHECKING:
    from engine.core.request import Result


def counterfactual(shown: Shown) -> None:
    """Counterfactual backgrounds: the same object on its home place, on another and alone; reliance on the place."""
    computed = shown.computed
    reliance = {model: result.facts["reliance"] for model, result in computed.items()}
    planted = shown.first.facts["planted"]
    left_out = "".join(
        f" Of {errors.escape(model)} {count:,} sets are excluded, because the model has no class whose home place is their "
        f"other place."
        for model, result in computed.items()
        if (count := result.facts["reliance_left_out"])
    )
    finding = ", ".join(
        f"{errors.escape(model)} {value:.2f} ({low:.2f} to {high:.2f})"
        if value == value  # not a number where it can be told of no set, or no temperature fits
        else f"{errors.escape(model)} unknown"
        for model, (value, low, high) in reliance.items()
    )
    temperatures = ", ".join(
        f"{errors.escape(model)} {' and '.join(f'{each:.2f}' for each in result.facts['temperatures'])}"
        for model, result in computed.items()
    )
    known = {model: values for model, values in reliance.items() if values[0] == values[0]}
    finding = f"Reliance on the place: {finding}"
    if not known:  # there is nothing to draw
        st.markdown(f"**{finding}**")
        _answers(shown)
        return
    figure.draw(
        charts.reliance(shown.view.models, known, title="Reliance on the place", finding=finding),
        pd.DataFrame(
            [{"model": model, "value": v, "low": low, "high": high} for model, (v, low, high) in reliance.items()]
        ),
        shown.source,
        key="bg_reliance",
        note=f"In training, {share(planted['home'])} of a kind's scenes are on its home place and "
        f"{share(planted['elsewhere'])} on each other place. When the object is moved, an ideal observer's log-odds between "
        f"its kind and the kinds of the other place fall by twice {planted['log_ratio']:.2f}; reliance is the model's fall "
        f"relative to that, after temperature scaling, so that confidence does not count (fitted on one half of the sets, "
        f"used on the other: {temperatures}).{left_out} {INTERVAL}",
    )
    _answers(shown)


def _answers(shown: Shown) -> None:
    """What is answered when the object stands on another place, and when the place is empty; beside chance, the best
    possible observer, and what so many sets could show."""
    from engine.evaluation import telling
    from engine.reliance.counterfactual import drops_apart

    computed = shown.computed
    answers = {model: result.tables["answers"].query("variant == 'other'") for model, result in computed.items()}
    first = next(iter(answers.values()))
    series = {
        model: [{"value": row["share"], "low": row["low"], "high": row["high"]} for row in table.to_dict("records")]
        for model, table in answers.items()
    }
    drops = " · ".join(
        f"{errors.escape(model)} {100 * drop:.1f} points ({100 * low:.1f} to {100 * high:.1f}; from "
        f"{100 * result.facts['drop_smallest']:.1f} on it is seen in 80% of samples)"
        for model, result in computed.items()
        for drop, low, high in [result.facts["drop"]]
    )
    told_apart = "".join(f" {errors.escape(telling.moved(row))}" for row in drops_apart([*computed.values()]))
    chance = ", ".join(f"{row['answer']} {share(row['chance'], 1)}" for row in first.to_dict("records"))
    figure.draw(
        charts.bars(
            shown.view.models,
            first["answer"].tolist(),
            series,
            "share of answers",
            title="Answers",
            finding="Answers when the object is on another place",
        ),
        together(shown.tables("answers")),
        shown.source,
        key="bg_answers",
        note=f"Accuracy lost by moving the object: {drops}.{told_apart} Expected by chance: {chance}. The best possible "
        f"observer always answers the object's kind. {INTERVAL}{_allowed(len(computed))}",
    )
    _empty(computed)


def _empty(computed: Mapping[str, Result]) -> None:
    """How often the answer to an empty place is a kind that lives there, and how the models differ in it."""
    from engine.evaluation import telling
    from engine.reliance.counterfactual import lives, places_apart

    found = {model: lives(result) for model, result in computed.items()}
    told = " · ".join(
        f"{errors.escape(model)} {shares(row['value'], *row['interval'], digits=1)}" for model, row in found.items()
    )
    differ = "".join(f" {errors.escape(telling.empty(row))}" for row in places_apart([*computed.values()]))
    first = next(iter(found.values()))
    named = next(iter(computed.values())).tables["answers"].query("variant == 'place'")["ideal"].iloc[0]
    st.caption(
        f"Shown the empty place, these answer a kind that lives there: {told}; a blind guess {share(first['chance'], 1)}, the "
        f"best possible observer {share(first['ideal'], 1)}; above chance from {share(first['chance'] + first['smallest'], 1)} "
        f"on in 80% of samples.{differ} Naming the set's own kind from its place is hopeless: the best possible observer reaches "
        f"{share(named, 2)}.{_allowed(len(computed))}"
    )


def _allowed(models: int) -> str:
    """What the intervals between models allow for where more than one pair of them is told."""
    from engine.evaluation.telling import pairs

    if models < 3:
        return ""
    return f" Intervals of differences between models allow for all {pairs(models)} pairs (Bonferroni)."


def texture(shown: Shown) -> None:
    """Shuffled patches, and whose class a dressed silhouette gets."""
    computed, tables = shown.computed, shown.tables("variants")
    first = shown.first.tables["variants"]
    groups = [row["fill"] or VARIANTS["full"] for row in first.to_dict("records")]
    series = {model: [interval(row, "top1") for row in table.to_dict("records")] for model, table in tables.items()}
    biases = []
    for model, result in computed.items():
        bias, both = result.facts["shape_bias"], result.facts["shape"] + result.facts["texture"]
        told = shares(*bias) if bias else "not measurable"
        biases.append(f"{errors.escape(model)} {told}, {both} answers")
    saliency = " Objects were segmented by the saliency network." if shown.first.facts["cut"] == "saliency" else ""
    finding = f"Shape bias, the share of shape among answers that follow shape or texture: {' · '.join(biases)}"
    figure.draw(
        charts.bars(shown.view.models, groups, series, "top-1 accuracy", title="Shape and texture", finding=finding),
        together(tables),
        shown.source,
        key="bg_texture",
        note="Shuffled: g × g patches at random places; if each contains a whole number of a ViT's own patches, its tokens "
        f"stay intact, which favours it. Silhouettes: an object's outline filled with its own texture, or with that of an "
        f"object of another class, on grey.{saliency} {INTERVAL}",
    )


def challenge(shown: Shown) -> None:
    """ImageNet-9: accuracy on each variation, and the BG-gap."""
    computed, tables = shown.computed, shown.tables("variations")
    first = shown.first.tables["variations"]
    series = {model: [interval(row, "top1") for row in table.to_dict("records")] for model, table in tables.items()}
    gaps = [
        f"{errors.escape(model)} {100 * gap[0]:.1f} points ({100 * gap[1]:.1f} to {100 * gap[2]:.1f})"
        for model, gap in ((model, result.facts["bg_gap"]) for model, result in computed.items())
        if gap
    ]
    finding = f"BG-Gap: {' · '.join(gaps)}" if gaps else "No BG-Gap: it requires mixed_same and mixed_rand"
    figure.draw(
        charts.bars(
            shown.view.models,
            first["variation"].tolist(),
            series,
            "top-1 of nine classes",
            title="Backgrounds Challenge",
            finding=finding,
        ),
        together(tables),
        shown.source,
        key="bg_challenge",
        note="BG-Gap: accuracy on mixed_same minus accuracy on mixed_rand. The 1000 ImageNet classes are mapped to the nine "
        "of ImageNet-9. " + INTERVAL,
    )
