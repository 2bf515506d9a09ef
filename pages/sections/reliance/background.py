"""Object and background: the paper's Table 2 as bars and as a table, and the same among equals."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from pages.common import errors, figures
from pages.common.words import share
from pages.sections.reliance import charts
from pages.sections.reliance.charts import INTERVAL, NUMBERS, VARIANTS, cell, interval, points, variant
from pages.sections.reliance.compared import compared, keys_of
from pages.sections.reliance.view import View

if TYPE_CHECKING:
    from engine.core.request import Result


def background(view: View, computed: Mapping[str, Result], turn: Callable[[View], None]) -> None:
    """The paper's Table 2, its controls, and the scatter of effective robustness."""
    numbers = st.segmented_control(
        "Accuracy",
        list(NUMBERS),
        default=view.number,
        format_func=NUMBERS.__getitem__,
        required=True,
        help="“Of full” is the accuracy relative to that on the intact images, as in the paper's Table 2.",
    )
    if numbers != view.number:
        turn(view.model_copy(update={"number": numbers}))
    tables = {model: result.tables["variants"] for model, result in computed.items()}
    first = next(iter(tables.values()))
    groups = [variant(row) for row in first.to_dict("records")]
    series = {model: [interval(row, numbers) for row in rows.to_dict("records")] for model, rows in tables.items()}
    keys = keys_of(view, "background", computed)
    facts = compared(keys, cuts=True)
    finding = "  \n".join(map(_typeset, facts["sentences"])) or errors.escape(_alone(computed))
    rows = pd.concat([table.assign(model=model) for model, table in tables.items()])
    figures.draw(
        charts.bars(view.models, groups, series, f"{NUMBERS[numbers].lower()} accuracy"),
        rows,
        "object-and-background",
        key="bg_bars",
        finding=finding,
        note=_how(view, computed) + " " + INTERVAL,
    )
    _table(rows)
    if "lives" in rows:
        _places(view, tables, facts["paired_places"])
    if len(computed) > 1:
        _controls(facts, view)


def _places(view: View, tables: Mapping[str, pd.DataFrame], paired: list[dict[str, Any]]) -> None:
    """Backgrounds alone, asked what they can tell: does the answered class live at the place shown?"""
    alone = {model: table.dropna(subset=["lives"]) for model, table in tables.items()}
    first = next(iter(alone.values()))
    groups = [variant(row) for row in first.to_dict("records")]
    series = {model: [interval(row, "lives") for row in table.to_dict("records")] for model, table in alone.items()}
    row = first.iloc[0]
    apart = " · ".join(
        f"{errors.escape(each['a'])} minus {errors.escape(each['b'])} ({each['fill']}) {points(each)}, and "
        f"{100 * each['smallest']:.1f} points would be seen in 80% of samples"
        for each in paired
    )
    figures.draw(
        charts.bars(view.models, groups, series, "answers that live at the place shown"),
        pd.concat([table.assign(model=model) for model, table in alone.items()]),
        "place-from-background",
        key="bg_lives",
        finding=f"Does the answered class live at the place shown? {apart}"
        if apart
        else "Answers that live at the place shown",
        note=f"A blind guess: {share(row['lives_chance'], 1)}; the best possible observer of the place: "
        f"{share(row['lives_ideal'], 1)}; above chance from {share(row['lives_chance'] + row['lives_smallest'], 1)} on in 80% of "
        f"samples. The class itself the best observer would name in only {share(row['top1_ideal'], 2)}: top-1 on backgrounds "
        f"alone cannot tell models apart. {INTERVAL}",
    )


def _controls(facts: dict[str, Any], view: View) -> None:
    """What remains when a model's mere strength is taken out."""
    st.subheader("Controlled for overall accuracy", anchor=False)
    st.caption(
        "A more accurate model is also more accurate on cut images. Left: the same differences on the images whose intact "
        "version all models classify correctly. Right: accuracy on cut images against accuracy on intact images."
    )
    matched = facts["matched"]
    _differences(facts, view)
    left, right = st.columns(2, gap="large")
    with left:
        if matched["models"]:
            _matched_bars(matched, view)
    with right:
        name = next(iter(facts["robustness"]))
        fit = facts["robustness"][name]
        line = (
            "The dashed line is fitted to the log-odds: a model above it is more accurate on these images than its clean "
            "accuracy predicts."
            if fit["line"]
            else "Two points always lie on a line; a line is fitted from three models on."
        )
        dots = pd.DataFrame([{k: v for k, v in point.items() if not k.endswith("interval")} for point in fit["points"]])
        figures.draw(
            charts.robustness(view.models, fit, VARIANTS[name]), dots, "effective-robustness", key="bg_robust",
            finding="Effective robustness", note=line, alt="Accuracy on backgrounds against accuracy on intact images, one "
            "point per model",
        )  # fmt: skip


def _differences(facts: dict[str, Any], view: View) -> None:
    """Every difference before and after the control."""
    matched = facts["matched"]
    rows = [
        {
            "difference in top-1, points": f"{row['a']} − {row['b']}",
            "images": VARIANTS[row["variant"]] + (f", {row['fill']}" if len(view.fills) > 1 and row["fill"] else ""),
            "on all images": points(row),
            f"on the {matched['n']} that all classify correctly when intact": points(_same(matched["paired"], row)),
            "p (McNemar)": row["p"],
        }
        for row in facts["paired"]
    ]
    column = st.column_config.NumberColumn("p (McNemar)", format="%.2g", help="Two-sided, on all images.")
    most = 100 * max(row["smallest"] for row in facts["paired"])
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config={"p (McNemar)": column})
    st.caption(
        f"Paired intervals (95%); on all images, {most:.1f} points would be seen in 80% of samples whichever row it is. "
        f"{matched['n']} of {matched['of']} images are classified correctly by every model when intact."
    )


def _matched_bars(matched: dict[str, Any], view: View) -> None:
    """Accuracy on cut images among those that every model gets right in full."""
    groups = list(dict.fromkeys(variant(row) for row in matched["models"]))
    series: dict[str, list[dict[str, float]]] = {}
    for row in matched["models"]:
        low, high = row["top1_interval"]
        series.setdefault(row["model"], []).append({"value": row["top1"], "low": low, "high": high})
    figures.draw(
        charts.bars(view.models, groups, series, "top-1 accuracy"),
        pd.DataFrame([{**row, "top1_interval": str(row["top1_interval"])} for row in matched["models"]]),
        "among-equals",
        key="bg_equals",
        finding=f"Cut images whose intact version all models classify correctly ({matched['n']})",
        note=INTERVAL,
    )


def _table(rows: pd.DataFrame) -> None:
    """All numbers, as in the paper's Table 2 and beyond."""
    records = rows.to_dict("records")
    shown = pd.DataFrame(
        {
            "model": rows["model"],
            "images": [variant(row) for row in records],
            "n": rows["n"],
            **{
                f"{text}, %": ["" if row["variant"] == "full" and "of" in text else cell(row, name) for row in records]
                for name, text in NUMBERS.items()
            },
            "cross-entropy": rows["loss"],
        }
    )
    st.dataframe(shown, hide_index=True, column_config={"cross-entropy": st.column_config.NumberColumn(format="%.2f")})


def _same(rows: list[dict[str, Any]], like: Mapping[str, Any]) -> dict[str, Any] | None:
    names = ("a", "b", "variant", "fill")
    return next((row for row in rows if all(row[name] == like[name] for name in names)), None)


def _typeset(sentence: str) -> str:
    """A computed sentence with minus signs that are some."""
    return errors.escape(re.sub(r"(?<=[ (])-(?=\d)", "−", sentence))


def _alone(computed: Mapping[str, Result]) -> str:
    model, result = next(iter(computed.items()))
    rows = {row["variant"]: row for row in result.tables["variants"].to_dict("records")}
    parts = [f"{share(rows[name]['top1'], 1)} on {text}" for name, text in VARIANTS.items() if name in rows]
    return f"{model} classifies {parts[0].removesuffix(' on full image')} of the intact images correctly; {', '.join(parts[1:])}."


def _how(view: View, computed: Mapping[str, Result]) -> str:
    n = min(result.facts["images"] for result in computed.values())
    cut = {
        "box": "Cut by the true class's boxes before scaling, as in the paper.",
        "mask": "Cut by masks before scaling.",
        "saliency": "Cut by the saliency network, so these numbers depend on that network too.",
    }[view.cut]
    few = " With so few images, mind the intervals." if n < 100 else ""
    return f"{n} images. {cut}{few}"
