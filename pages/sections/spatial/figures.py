"""The figures of the spatial probe: the curves over the depth, the last layer, and moved images, each with its finding."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from engine.core.request import Result
from pages.common import colours, errors, figures
from pages.common.colours import Side
from pages.common.words import share
from pages.sections.spatial import charts, findings
from pages.sections.spatial.view import SpatialView

Tables = dict[Side, tuple[str, pd.DataFrame]]
HEADS = {
    "cls": "class token",
    "patch_mean": "mean of patches",
    "all_mean": "mean of all tokens",
    "patch_average": "single patch, average",
    "patch_maximum": "single patch, best",
}


def curves(view: SpatialView, computed: Mapping[str, Result]) -> None:
    """Localisation, self-retrieval, position and homogeneity, both models in the same axes."""
    there = _there(view, computed, "layers")
    if not there:
        return
    st.subheader("How position is preserved through the layers", anchor=False)
    tables: Tables = {side: (view.sides[side], result.tables["layers"]) for side, result in there.items()}
    numbers = _numbers(tables)
    names = {side: view.sides[side] for side in there}
    first = next(iter(there.values()))
    n = f"{first.facts['images']} images"
    with st.grid(2, min_column_width=370, gap="large"):
        _localisation(names, tables, numbers, n)
        for name, y, what, short, note in (
            ("self_retrieval", "share of tokens", "self-retrieval", "self-retrieval",
             "Share of tokens whose nearest (cosine) input embedding is their own position's. "
             f"Chance: {first.facts['chance_self_retrieval']:.4f}. {n}."),
            ("position_r2", "R²", "position decoded from a token (R²)", "R²",
             "Ridge regression from token to row and column, fitted on half of the images, evaluated on "
             f"{first.facts['scored']} others."),
            ("homogeneity", "homogeneity of tokens", "homogeneity", "homogeneity",
             "1 minus the variance of the tokens around their mean, relative to their mean square: at 1, all tokens of an "
             f"image are equal. {n}."),
            ("map_uniformity", "uniformity of maps", "uniformity of the maps", "uniformity",
             f"The same for the units' maps: at 1, every map is flat. Units with a large mean make it high. {n}."),
            ("map_between", "variance between images", "share of a unit's variance between images",
             "the share of variance between images",
             f"Of a unit's variance over all positions of all images, the share that its images' means have: at 1, every "
             f"map is flat. It leaves the units' means out; median over units. {n}. "
             + _one_line([findings.disagreement(names[s], tables[s][1], there[s].facts["last"]) for s in names])),
        ):  # fmt: skip
            if not numbers[name].notna().any():
                continue
            said = [findings.across(names[s], tables[s][1], name, what) for s in names]
            apart = [findings.last_block(names[s], there[s].facts["last"], name, short) for s in names]
            with st.container():
                figures.draw(
                    charts.curves(tables, name, y), numbers, name, key=f"sp-{name}",
                    finding=_one_line(said),
                    note=f"{note} {_one_line(apart)} Bands: 95% intervals over images.",
                )  # fmt: skip
    _missing(there)


def _localisation(names: Mapping[Side, str], tables: Tables, numbers: pd.DataFrame, n: str) -> None:
    """On the strongest images, in which direction, and over all images."""
    for name, key, note in (
        ("localisation_strongest", "localisation",
         "How well a unit's map separates the object from the background on its ten strongest images (of different sets): "
         "direction chosen on half of them, measured on the other half; median over units. Dotted: the same maps with "
         "other images' masks, which shows how much comes from where objects mostly are."),
        ("localisation_auroc", "localisation-all",
         "The same over all images, whether they excite the unit or not. Dotted: other images' masks."),
    ):  # fmt: skip
        if not numbers[name].notna().any():
            continue
        what = "localisation on the strongest images" if key == "localisation" else "localisation over all images"
        with st.container():
            figures.draw(
                charts.localisation(tables, name), numbers, key, key=f"sp-{key}",
                finding=_one_line([findings.across(names[s], tables[s][1], name, what) for s in names]),
                note=f"{note} {n}. Bands: 95% intervals over images.",
            )  # fmt: skip
    if numbers["object_share"].notna().any():
        with st.container():
            figures.draw(
                charts.curves(tables, "object_share", "share of units that mark the object"), numbers, "direction",
                key="sp-direction", finding=_one_line([findings.direction(names[s], tables[s][1]) for s in names]),
                note="Of the units that mark the same side on at least nine of their ten strongest images, those that mark the "
                "object; the others mark the background. Bands: 95% intervals over units.",
            )  # fmt: skip


def last_layer(view: SpatialView, computed: Mapping[str, Result]) -> None:
    """The heads with the map of positions, isolation with its complement, and uniform attention."""
    there = _there(view, computed, "last")
    if not there:
        return
    st.subheader("What the last layer does", anchor=False)
    tables: Tables = {side: (view.sides[side], result.tables["accuracy"]) for side, result in there.items()}
    tables = {side: pair for side, pair in tables.items() if len(pair[1])}
    if tables:
        numbers = _numbers(tables)
        _heads(view, there, tables, numbers)
        _interventions(there, tables, numbers)
    _missing(there)


def _heads(view: SpatialView, there: Mapping[Side, Result], tables: Tables, numbers: pd.DataFrame) -> None:
    n = int(numbers["n"].iloc[0])
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        figures.draw(
            charts.bars(tables, [name.replace(" ", "<br>") for name in HEADS.values()], list(HEADS)),
            numbers[numbers.experiment == "heads"], "heads", key="sp-heads",
            finding=_one_line([findings.heads(model, table) for model, table in tables.values()]),
            note=f"The model's own final norm and head, not retrained, applied to different tokens (paper, Table 1). {n} "
            f"images; whiskers: 95% intervals.",
        )  # fmt: skip
        st.dataframe(_head_table(tables), hide_index=True, alt="Top-1 and top-5 accuracy of every head")
    with right:
        for side in tables:
            result = there[side]
            if "position_accuracy" not in result.arrays:
                continue
            values = result.arrays["position_accuracy"][0]
            row, column = result.facts["best_position"]
            model = f":{colours.NAMES[side]}[{errors.escape(view.sides[side])}]"
            flat = pd.DataFrame(
                [(r, c, float(v)) for r, line in enumerate(values) for c, v in enumerate(line)],
                columns=["row", "column", "top1"],
            )
            figures.draw(
                charts.heat(values, side, "top-1, %"), flat, f"positions-{view.sides[side].replace('/', '_')}",
                key=f"sp-positions-{side}",
                finding=f"{model}: single positions reach {share(float(values.min()), 1)} to "
                f"{share(float(values.max()), 1)}, with the maximum at row {row}, column {column}.",
                note=f"Accuracy of the head on each final position alone. The best position, chosen on half of the images, "
                f"reaches {_held_out(result)} on the other half.",
            )  # fmt: skip


def _interventions(there: Mapping[Side, Result], tables: Tables, numbers: pd.DataFrame) -> None:
    def of(name: str) -> Tables:
        whole = {s: (model, t[(t.experiment == name) & t["head"].isna()]) for s, (model, t) in tables.items()}
        return {side: pair for side, pair in whole.items() if len(pair[1])}

    with st.grid(2, min_column_width=370, gap="large"):
        if of("isolation"):
            with st.container():
                chart = charts.accuracies(
                    {"class token isolated before": of("isolation"), "patches dropped after": of("cls_only")},
                    "L, number of first blocks",
                )
                figures.draw(
                    chart, numbers[numbers.experiment.isin(["isolation", "cls_only"])], "isolation", key="sp-isolation",
                    finding=_one_line([findings.isolation(m, t) for m, t in tables.values()]),
                    note="Solid: in the first L blocks, the class token and the patches attend only to themselves (paper, "
                    f"section 4). Dotted, the complement: after L blocks, the patches are dropped and the class token "
                    f"continues alone. {_evaluations(there)} Bands: 95% intervals.",
                )  # fmt: skip
        if of("uniform"):
            with st.container():
                chart = charts.accuracies({"uniform": of("uniform")}, "block with uniform attention")
                for side in of("uniform"):
                    model, table = tables[side]
                    natural = float(table[table.experiment == "natural"].top1.iloc[0])
                    charts.level(chart, 100 * natural, f"{model}, unmodified", side)
                figures.draw(
                    chart, numbers[numbers.experiment == "uniform"], "uniform-attention", key="sp-uniform",
                    finding=_one_line([findings.uniform(m, t) for m, t in tables.values()]),
                    note=f"In one block at a time, all heads attend uniformly to all positions. {_single_heads(tables)}",
                )  # fmt: skip
        attention: Tables = {s: (tables[s][0], there[s].tables["attention"]) for s in tables}
        attention = {side: pair for side, pair in attention.items() if len(pair[1])}
        if attention:
            with st.container():
                watched = int(next(iter(attention.values()))[1]["n"].max())
                figures.draw(
                    charts.heads_of_blocks(attention), _numbers(attention), "attention", key="sp-attention",
                    finding=_one_line([findings.attention(m, t) for m, t in attention.values()]),
                    note=f"Entropy of the attention weights of patch queries, relative to that of uniform attention; "
                    f"{watched} images.",
                )  # fmt: skip


def moves(view: SpatialView, computed: Mapping[str, Result]) -> None:
    """How maps and means follow shifted and turned images."""
    there = _there(view, computed, "moves")
    if not there:
        return
    st.subheader("Shifted and rotated images", anchor=False)
    tables: Tables = {side: (view.sides[side], result.tables["moves"]) for side, result in there.items()}
    numbers = _numbers(tables)
    facts = next(iter(there.values())).facts
    with st.grid(2, min_column_width=370, gap="large"):
        for name, y, what, note in (
            ("equivariance", "correlation", "equivariance of the maps", "Correlation between a unit's map on the transformed "
             "image and its transformed map; median over units."),
            ("invariance", "1 − change / variance", "invariance of the means", "1 minus the squared change of a unit's mean "
             "activation, relative to its variance over images; median over units."),
        ):  # fmt: skip
            chart, said = charts.blank(charts.DEPTH, y), []
            for side, (model, table) in tables.items():
                for dash, kind in enumerate(("shift", "turn")):
                    part = table[table.kind == kind]
                    if len(part):
                        bounds = part[f"{name}_low"], part[f"{name}_high"]
                        curve = charts.Curve(part["depth"], part[name], *bounds)
                        charts.line(chart, curve, f"{model}: {kind}", side, dash)
                        said.append(findings.moved(model, kind, part, name))
            with st.container():
                figures.draw(
                    chart, numbers, name, key=f"sp-{name}",
                    finding=f"{what[0].upper()}{what[1:]}: {_one_line(said)}",
                    note=f"{note} {facts['images']} images; shifted {', '.join(facts['shift'])}; rotated "
                    f"{', '.join(facts['turn'])}. Bands: 95% intervals.",
                )  # fmt: skip


def _there(view: SpatialView, computed: Mapping[str, Result], name: str) -> dict[Side, Result]:
    return {side: computed[f"{name}-{side}"] for side in view.sides if f"{name}-{side}" in computed}


def _numbers(tables: Tables) -> pd.DataFrame:
    parts = [table.assign(model=model) for model, table in tables.values()]
    return pd.concat(parts)[["model", *[column for column in parts[0].columns if column != "model"]]]


def _missing(there: Mapping[Side, Result]) -> None:
    """Why something is not shown, a line each."""
    for line in dict.fromkeys(line for result in there.values() for line in result.facts["missing"]):
        st.caption(f":material/info: {line}")


def _head_table(tables: Tables) -> pd.DataFrame:
    rows = []
    for model, table in tables.values():
        for row in table[table.experiment == "heads"].to_dict("records"):
            rows.append(
                {
                    "Model": model,
                    "Head on": HEADS[row["name"]],
                    "Top-1": share(row["top1"], 1),
                    "95% interval": f"{100 * row['interval_low']:.1f}–{share(row['interval_high'], 1)}",
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


def _held_out(result: Result) -> str:
    low, high = result.facts["held_out_interval"]
    return f"{share(result.facts['held_out'], 1)} ({100 * low:.1f} to {share(high, 1)})"


def _one_line(sentences: list[str]) -> str:
    """Sentences about one or two models as one line of Markdown."""
    return errors.escape(findings.joined(sentences))
