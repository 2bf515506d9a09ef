"""What the last layer does: the head on different tokens, the class token alone, and uniform attention."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from engine.core.request import Result
from pages.common import errors
from pages.common.charts import figure
from pages.common.colours import Side
from pages.common.words import percent, share
from pages.sections.spatial import charts, findings
from pages.sections.spatial.shown import BLOCK, Shown, Tables, missing, numbers_of, one_line


def last_layer(shown: Shown) -> None:
    """The heads with the map of positions, isolation with its complement, and uniform attention."""
    there = shown.there("last")
    tables = {side: pair for side, pair in shown.tables("last", "accuracy").items() if len(pair[1])}
    if tables:
        numbers = numbers_of(tables)
        _heads(shown, there, tables, numbers)
        _interventions(shown, there, tables, numbers)
    missing(there)


def _heads(shown: Shown, there: Mapping[Side, Result], tables: Tables, numbers: pd.DataFrame) -> None:
    n = int(numbers["n"].iloc[0])
    chart = charts.bars(
        tables, list(charts.HEADS.values()), list(charts.HEADS), title="The head on different tokens",
        finding=one_line([findings.heads(model, table, there[side].facts) for side, (model, table) in tables.items()]),
    )  # fmt: skip
    figure.draw(
        chart, numbers[numbers.experiment == "heads"], shown.source("last"), key="sp-heads",
        note=f"The model's own final norm and head, not retrained, applied to different tokens (paper, Table 1). {n} images; "
        "whiskers: 95% intervals.",
    )  # fmt: skip
    st.dataframe(_head_table(tables), hide_index=True, alt="Top-1 and top-5 accuracy of every head")
    known: dict[Side, Result] = {side: there[side] for side in tables if "position_accuracy" in there[side].arrays}
    if known:
        _positions(shown, known)


def _positions(shown: Shown, known: Mapping[Side, Result]) -> None:
    """What single positions are worth, both models on one scale."""
    sides = shown.view.sides
    values = {side: (sides[side], result.arrays["position_accuracy"][0]) for side, result in known.items()}
    flat = pd.DataFrame(
        [
            (model, r, c, float(v))
            for model, grid in values.values()
            for r, line in enumerate(grid)
            for c, v in enumerate(line)
        ],
        columns=["model", "row", "column", "top1"],
    )
    said = [
        f"{sides[side]}: single positions reach {share(float(grid.min()))} to {share(float(grid.max()))}, the most at row "
        f"{known[side].facts['best_position'][0]}, column {known[side].facts['best_position'][1]}"
        for side, (_, grid) in values.items()
    ]
    held = ", ".join(
        f"{errors.escape(sides[side])} {findings.held_out(result.facts)}" for side, result in known.items()
    )
    figure.draw(
        charts.positions(values, title="Single positions", finding=one_line(said)), flat, shown.source("last"),
        key="sp-positions",
        note="Accuracy of the head on each final position alone. The best position, chosen on half of the images, reaches on "
        f"the other half: {held}.",
        opens="the same position in the image above", on_click=shown.position,
    )  # fmt: skip


def _interventions(shown: Shown, there: Mapping[Side, Result], tables: Tables, numbers: pd.DataFrame) -> None:
    def of(name: str) -> Tables:
        whole = {s: (model, t[(t.experiment == name) & t["head"].isna()]) for s, (model, t) in tables.items()}
        return {side: pair for side, pair in whole.items() if len(pair[1])}

    with st.grid(2, min_column_width=370, gap="large"):
        if of("isolation"):
            chart = charts.accuracies(
                {"class token alone before": of("isolation"), "patches dropped after": of("cls_only")},
                "L, number of first blocks", before=1, title="Class token isolated",
                finding=one_line([findings.isolation(m, t) for m, t in tables.values()]),
            )  # fmt: skip
            with st.container():
                figure.draw(
                    chart, numbers[numbers.experiment.isin(["isolation", "cls_only"])], shown.source("last"),
                    key="sp-isolation",
                    note="Solid: in the first L blocks, the class token and the patches attend only to themselves (paper, "
                    "section 4). Dotted, the complement: after L blocks, the patches are dropped and the class token "
                    f"continues alone. {_evaluations(there)} Bands: 95% intervals.",
                    opens="the maps of block L", on_click=shown.clicked,
                )  # fmt: skip
        if of("uniform"):
            with st.container():
                _uniform(shown, of("uniform"), tables, numbers)
        attention: Tables = {s: (tables[s][0], there[s].tables["attention"]) for s in tables}
        attention = {side: pair for side, pair in attention.items() if len(pair[1])}
        if attention:
            watched = int(next(iter(attention.values()))[1]["n"].max())
            chart = charts.heads_of_blocks(
                attention, title="Entropy of attention",
                finding=one_line([findings.attention(m, t) for m, t in attention.values()]),
            )  # fmt: skip
            with st.container():
                figure.draw(
                    chart, numbers_of(attention), shown.source("last"), key="sp-attention",
                    note="Entropy of the attention weights of patch queries, relative to that of uniform attention: the mean of "
                    f"a block's heads. Bands: from its lowest head to its highest. {watched} images.",
                    opens=BLOCK, on_click=shown.clicked,
                )  # fmt: skip


def _uniform(shown: Shown, blocks: Tables, tables: Tables, numbers: pd.DataFrame) -> None:
    """Accuracy with one block's attention made uniform, beside that of the model as it is."""
    from engine.figures.chart import Level

    levels = []
    for side in blocks:
        model, table = tables[side]
        natural = float(table[table.experiment == "natural"].top1.iloc[0])
        levels.append(Level(natural, f"{model}, as it is", charts.place(side)))
    chart = charts.accuracies(
        {"": blocks}, "block with uniform attention", levels=tuple(levels), title="Uniform attention",
        finding=one_line([findings.uniform(m, t) for m, t in tables.values()]),
    )  # fmt: skip
    figure.draw(
        chart, numbers[numbers.experiment == "uniform"], shown.source("last"), key="sp-uniform",
        note=f"In one block at a time, all heads attend uniformly to all positions. {_single_heads(tables)}",
        opens=BLOCK, on_click=shown.clicked,
    )  # fmt: skip


def _head_table(tables: Tables) -> pd.DataFrame:
    rows = []
    for model, table in tables.values():
        for row in table[table.experiment == "heads"].to_dict("records"):
            rows.append(
                {
                    "Model": model,
                    "Head on": charts.HEADS[row["name"]],
                    "Top-1": share(row["top1"], 1),
                    "95% interval": f"{percent(row['interval_low'], 1)}–{share(row['interval_high'], 1)}",
                    "Top-5": share(row["top5"], 1),
                    "n": int(row["n"]),
                }
            )
    return pd.DataFrame(rows)


def _evaluations(there: Mapping[Side, Result]) -> str:
    counted = next((result.facts["evaluations"] for result in there.values() if result.facts["evaluations"]), {})
    if "patches alone" not in counted:
        return ""
    return (
        f"One stream of patches is shared by all L: {counted['patches alone']} block evaluations per image instead of "
        f"{counted['patches alone, one pass for each L']}."
    )


def _single_heads(tables: Tables) -> str:
    said = []
    for model, table in tables.values():
        rows = table[(table.experiment == "uniform") & table["head"].notna()]
        heads = [f"head {int(row['head'])} {findings.cost(row)}" for row in rows.to_dict("records")]
        said += (
            [f"{errors.escape(model)}, cost with only one head of the last block uniform: {', '.join(heads)}."]
            if heads
            else []
        )
    return " ".join(said)
