"""Object and background: what was found, scenes to look at, the paper's Table 2 as bars, and what stands behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from pages.common import errors
from pages.common.charts import figure
from pages.common.words import share, shares
from pages.sections.reliance import charts, images
from pages.sections.reliance.charts import INTERVAL, NUMBERS, VARIANTS, cell, interval, points, variant
from pages.sections.reliance.compared import aligned, compared
from pages.sections.reliance.shown import Shown, together

if TYPE_CHECKING:
    from engine.figures.chart import Chart

WRONG = "the images that its model gets right whole and wrong as shown there"
ALSO_WHOLE = f"{WRONG}, or wrong whole"


def background(shown: Shown) -> None:
    """The finding, example scenes, one chart; then the controls and all numbers."""
    facts = compared(shown.keys)
    finding, *further = map(errors.escape, [*facts["sentences"], *facts["places"]] or [_alone(shown)])
    st.markdown(f"### {finding}")
    images.draw(shown)
    _bars(shown, finding)
    for sentence in further:
        st.markdown(sentence)
    if "lives" in shown.first.tables["variants"]:
        with st.expander("Does the answer live at the place shown?", icon=":material/landscape:"):
            _places(shown, facts)
    if facts["sentences"]:
        with st.expander("Controlled for overall accuracy", icon=":material/balance:"):
            _controls(shown, facts)
    with st.expander("All numbers", icon=":material/table:"):
        _table(together(shown.tables("variants")))


def _bars(shown: Shown, finding: str) -> None:
    """Accuracy on every variant. A bar opens the images that its model gets wrong there."""
    view, tables = shown.view, shown.tables("variants")
    groups = [variant(row) for row in shown.first.tables["variants"].to_dict("records")]
    rows = {
        model: [
            {**interval(row, view.number), "opens": [f"{model}|{place}"]}
            for place, row in enumerate(table.to_dict("records"))
        ]
        for model, table in tables.items()
    }
    chart = charts.bars(view.models, groups, rows, charts.accuracy(view.number), title="Object and background")
    figure.draw(
        chart, together(tables), replace(shown.source, finding=finding), key="bg_bars", note=f"{_how(shown)} {INTERVAL}",
        opens=ALSO_WHOLE, on_click=lambda what: _look(shown, what),
    )  # fmt: skip


def _look(shown: Shown, what: list[Any]) -> None:
    """A point was clicked: the scenes are those that its model gets wrong in its variant."""
    shown.turn(shown.view.model_copy(update={"look": str(what[0]), "kind": ""}))


def _places(shown: Shown, facts: dict[str, Any]) -> None:
    """Backgrounds alone, asked what they can tell: does the answered class live at the place shown?"""
    from engine.figures.chart import Level

    alone = {
        model: table.reset_index(drop=True).dropna(subset=["lives"])
        for model, table in shown.tables("variants").items()
    }
    first = next(iter(alone.values()))
    groups = [variant(row) for row in first.to_dict("records")]
    rows = {
        model: [
            {**interval(row, "lives"), "opens": [f"{model}|{place}"]}
            for place, row in zip(table.index, table.to_dict("records"), strict=True)
        ]
        for model, table in alone.items()
    }
    row = first.iloc[0]
    chart: Chart = charts.bars(
        shown.view.models, groups, rows, "answers that live at the place shown", title="Place from background",
        levels=(Level(row["lives_chance"], "blind guess"),),
    )  # fmt: skip
    figure.draw(
        chart, together(alone), replace(shown.source, finding=errors.escape(" ".join(facts["places"]))), key="bg_lives",
        note=f"A blind guess: {share(row['lives_chance'], 1)}; the best possible observer of the place: "
        f"{share(row['lives_ideal'], 1)}; above chance from {share(row['lives_chance'] + row['lives_smallest'], 1)} on in 80% "
        f"of samples. The kind itself the best observer would name in only {share(row['top1_ideal'], 2)}: accuracy on "
        f"backgrounds alone cannot tell models apart. {INTERVAL}",
        opens=WRONG, on_click=lambda what: _look(shown, what),
    )  # fmt: skip


def _controls(shown: Shown, facts: dict[str, Any]) -> None:
    """What remains when a model's mere strength is taken out."""
    st.caption(
        "A more accurate model is also more accurate on cut images: these are the same differences on the images that all "
        "models classify correctly whole."
    )
    matched = facts["matched"]
    _differences(facts, shown)
    if matched["models"]:
        _matched_bars(matched, shown)
    for name, fit in facts["robustness"].items():
        if fit["line"]:  # two points always lie on a line
            _robustness(shown, name, fit)


def _robustness(shown: Shown, name: str, fit: dict[str, Any]) -> None:
    dots = pd.DataFrame([{k: v for k, v in point.items() if not k.endswith("interval")} for point in fit["points"]])
    chart = charts.robustness(
        shown.view.models, fit, VARIANTS[name], place=aligned(shown.keys).place(name),
        title=f"Effective robustness, {VARIANTS[name]}",
    )  # fmt: skip
    figure.draw(
        chart, dots, shown.source, key=f"bg_robust_{name}",
        note="The dashed line is fitted to the log-odds: a model above it is more accurate on these images than its accuracy on "
        "whole images predicts.",
        opens=WRONG, on_click=lambda what: _look(shown, what),
    )  # fmt: skip


def _differences(facts: dict[str, Any], shown: Shown) -> None:
    """Every difference before and after the control."""
    matched = facts["matched"]
    rows = [
        {
            "difference in top-1, points": f"{row['a']} − {row['b']}",
            "images": VARIANTS[row["variant"]]
            + (f", {row['fill']}" if len(shown.view.fills) > 1 and row["fill"] else ""),
            "on all images": points(row),
            f"on the {matched['n']} that all classify correctly whole": points(_same(matched["paired"], row)),
            "p (McNemar)": row["p"],
        }
        for row in facts["paired"]
    ]
    column = st.column_config.NumberColumn("p (McNemar)", format="%.2g", help="Two-sided, on all images.")
    most = 100 * max(row["smallest"] for row in facts["paired"])
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={"p (McNemar)": column},
        alt="Every difference, before and after",
    )
    st.caption(
        f"Paired intervals (95%). On all images, {most:.1f} points would have been seen in 80% of samples, whichever row it is. "
        f"{matched['n']} of {matched['of']} images are classified correctly whole by every model."
    )


def _matched_bars(matched: dict[str, Any], shown: Shown) -> None:
    """Accuracy on cut images among those that every model gets right whole."""
    groups = list(dict.fromkeys(variant(row) for row in matched["models"]))
    rows: dict[str, list[dict[str, Any]]] = {}
    places = aligned(shown.keys)
    for row in matched["models"]:
        low, high = row["top1_interval"]
        opens = [f"{row['model']}|{places.place(row['variant'], row['fill'])}"]
        rows.setdefault(row["model"], []).append({"value": row["top1"], "low": low, "high": high, "opens": opens})
    chart = charts.bars(
        shown.view.models, groups, rows, "top-1 accuracy", title="Among equals",
        finding=f"On the {matched['n']} images that all models classify correctly whole",
    )  # fmt: skip
    numbers = pd.DataFrame([{**row, "top1_interval": str(row["top1_interval"])} for row in matched["models"]])
    figure.draw(
        chart, numbers, shown.source, key="bg_equals", note=INTERVAL, opens=WRONG,
        on_click=lambda what: _look(shown, what),
    )  # fmt: skip


def _table(rows: pd.DataFrame) -> None:
    """All numbers, as in the paper's Table 2 and beyond."""
    records = rows.to_dict("records")
    table = pd.DataFrame(
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
    column = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(table, hide_index=True, column_config={"cross-entropy": column}, alt="All numbers of all models")


def _same(rows: list[dict[str, Any]], like: dict[str, Any]) -> dict[str, Any] | None:
    names = ("a", "b", "variant", "fill")
    return next((row for row in rows if all(row[name] == like[name] for name in names)), None)


def _alone(shown: Shown) -> str:
    """What is found of a model alone."""
    from engine.evaluation.telling import shown as done

    model, result = next(iter(shown.computed.items()))
    rows = result.tables["variants"].drop_duplicates("variant").to_dict("records")
    full = next(row for row in rows if row["variant"] == "full")

    def told(row: Any) -> str:
        return shares(*(row[f"top1{end}"] for end in ("", "_low", "_high")))

    parts = [f"{done(row['variant'], row['fill']).lower()} {told(row)}" for row in rows if row is not full]
    return f"{model} classifies {told(full)} of the images correctly; {'; '.join(parts)}."


def _how(shown: Shown) -> str:
    n = min(result.facts["images"] for result in shown.computed.values())
    cut = {
        "box": "Cut by the true class's boxes before scaling, as in the paper: what lies inside the box "
        "counts as the object, corners of background with it.",
        "mask": "Cut by masks before scaling.",
        "saliency": "Cut by the saliency network, so these numbers depend on that network too.",
    }[shown.view.cut]
    few = " With so few images, mind the intervals." if n < 100 else ""
    one = len(shown.computed) > 1 and len(shown.view.fills) == 1
    fill = " What fills the hole counts too: another fill can turn the order of models round (Advanced)." if one else ""
    places = len(compared(shown.keys)["places"])
    return f"{n} images. {cut}{fill}{few}{_chosen(len(shown.computed), places)}"


def _chosen(models: int, places: int) -> str:
    """What the sentences allow for: those about the two models that lie furthest apart, and so many about `places`."""
    from engine.evaluation.telling import pairs

    told = []
    if models > 2:
        told.append(
            f" The sentences on accuracy are about the two models that lie furthest apart: their intervals are corrected for the "
            f"choice among {pairs(models)} pairs (Bonferroni)."
        )
    if places > 1:
        told.append(
            f" The {places} sentences on what lives at the place shown tell every pair and fill: their intervals are corrected "
            f"for that many (Bonferroni)."
        )
    return "".join([*told, " Those of the charts and tables are not." if told else ""])
