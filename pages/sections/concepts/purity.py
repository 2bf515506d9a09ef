"""How purely units follow concepts that are known of the images, layer by layer, against shuffled tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import streamlit as st

from engine.core.errors import VitrineError
from pages.common import colours, errors, words
from pages.common.charts import figure
from pages.common.charts.files import Source
from pages.common.colours import Side
from pages.common.experiment_page import ExperimentPage
from pages.sections.concepts import browse, card, charts, making
from pages.sections.concepts import view as views
from pages.sections.concepts.view import ConceptsView

if TYPE_CHECKING:
    from engine.core.request import Result

ABOUT = (
    "A *concept* is a tag shared by at least three kinds of objects from at least two groups, like “music”. A unit is *beyond "
    "likeness* if it responds to the kinds of a concept more than to others that look alike, after controlling for colour "
    "and place, correcting for the choice of the best tag, and leaving out its strongest kind. A single unit is called a "
    "*concept unit* only where at most 5% of a layer's would be false."
)
MOST_CARDS = 6


def draw(page: ExperimentPage[ConceptsView], view: ConceptsView, computed: Mapping[str, Result]) -> None:
    """Shares of concept units by layer, what the difference between two models amounts to, and the concepts themselves."""
    from engine.concepts.purity.compare import compare

    there: dict[Side, Result] = {
        side: computed[f"purity-{side}"] for side in view.sides if f"purity-{side}" in computed
    }
    st.caption(ABOUT)
    if not there:
        return
    st.markdown(f"**{errors.escape(compare(list(there.values())))}**")
    if len(roles := {views.role_of(view, side) for side in there}) > 1:
        st.caption(
            f"The models are compared at sites of different roles ({' and '.join(sorted(roles))}), so the difference is not "
            f"due to training or architecture alone."
        )
    _curves(page, view, there)
    _names(view, there)
    columns = st.columns(len(there), gap="large")
    for column, (side, result) in zip(columns, there.items(), strict=True):
        with column:
            _concepts(page, view, side, result)


NULLS = {"twin": "untrained", "directions": "random directions"}
KINDS = {f"{name}_kind_units": told for name, told in NULLS.items()}
NOMINAL = {"baseline": "tags permuted", "strict_baseline": "permuted within subgroups"}


class _Share(NamedTuple):
    """One chart: a share of units by layer (its column, and those of its interval's ends), and what is said of it."""

    column: str
    ends: tuple[str, str]
    axis: str
    key: str
    finding: str
    note: str
    baselines: Mapping[str, str]


SHARES = (
    _Share(
        "beyond_likeness",
        ("beyond_likeness_low", "beyond_likeness_high"),
        "units beyond likeness, of the layer",
        "cn-purity-plain",
        "Units beyond likeness, all layers",
        "{concepts} concepts, {kinds} kinds, {images} images. Bands: 95% intervals for the effective number of independent "
        "units. Dotted: the same test on the same architecture with random weights; dashed: on random directions of the layer.",
        NULLS,
    ),
    _Share(
        "nominal_units",
        ("nominal_units_low", "nominal_units_high"),
        "units that pass one test at 5%, of the layer",
        "cn-purity-nominal",
        "Before look and number of units are taken into account",
        "Units in the top 5% of their scores with tags permuted among all kinds. Units for what looks alike (all flowers, all "
        "cats) pass too. Dotted: with tags permuted among all kinds; dashed: among kinds of the same subgroup.",
        NOMINAL,
    ),
    _Share(
        "kind_units",
        ("kind_units_low", "kind_units_high"),
        "kind units, of the layer",
        "cn-purity-kinds",
        "Units that single out one kind",
        "Units that respond most to one kind: “trumpet” rather than “music”. This says nothing "
        "about what else they respond to, and a unit tuned to an object's colour can count. Dotted: in the same architecture "
        "with random weights; dashed: of random directions of the layer. Of units that put the scenes in a random order "
        "{kinds_by_chance:.1%} single one out.",
        KINDS,
    ),
)


def _curves(page: ExperimentPage[ConceptsView], view: ConceptsView, there: Mapping[Side, Result]) -> None:
    from engine.concepts import browsing

    tables = {side: (view.sides[side], browsing.by_depth(result.tables["layers"])) for side, result in there.items()}
    drawn = [column for part in SHARES for column in (part.column, part.ends[1], *part.baselines)]
    top = charts.highest((table for _, table in tables.values()), drawn)
    numbers = pd.concat([table.assign(model=model) for model, table in tables.values()])
    facts = next(iter(there.values())).facts
    source = Source("concepts", page.write(view), tuple(result.key for result in there.values()))
    with st.grid(2, min_column_width=370, gap="large"):
        for part in SHARES:
            with st.container():
                chart = charts.shares(
                    tables, part.column, part.ends, part.baselines, up=part.axis, span=(0.0, top), title=part.finding,
                    finding=_said(there, part),
                )  # fmt: skip
                figure.draw(
                    chart, numbers, source, key=part.key, note=part.note.format(**facts), opens="its layer",
                    on_click=browse.opener(page, view),
                )  # fmt: skip
        with st.container():
            st.markdown("**All layers together**")
            st.dataframe(_overall(there), hide_index=True, alt="Shares of units over all layers, with 95% intervals")
            st.caption(
                f"Shares of all units with 95% intervals; for permuted tags, the central 95% of permutations. {_strength(there)}"
            )


def _strength(there: Mapping[Side, Result]) -> str:
    """How purely the concept units follow their concepts, and what could have been found."""
    from engine.concepts.purity.compare import could_be_found, too_few

    told = "; ".join(
        f":{colours.NAMES[side]}[{errors.escape(result.request['model'])}] "
        f"{float(result.tables['overall']['average_precision'].iloc[0]):.3f} (by chance {result.facts['by_chance']:.3f})"
        for side, result in there.items()
    )
    facts = next(iter(there.values())).facts
    return (
        f"Median average precision of the units beyond likeness: {told}. {could_be_found([*there.values()])} "
        f"{words.share(facts['few'])} of the tags have five kinds or fewer; {len(facts['left_out'])} tags that hardly any unit "
        f"could be found for are left out. {too_few([*there.values()])}"
    ).rstrip()


MEASURED = {
    "Beyond likeness": "beyond_likeness",
    "of the untrained network": "twin",
    "of random directions": "directions",
    "with tags permuted within subgroups": "shuffled",
    "Concept units (5% false at most)": "concept_units",
    "Pass one test at 5%": "nominal_units",
    "with tags permuted": "baseline",
    "Single out one kind": "kind_units",
    "one kind, untrained network": "twin_kind_units",
    "one kind, random directions": "directions_kind_units",
}


def _overall(there: Mapping[Side, Result]) -> pd.DataFrame:
    """Shares over all layers: a row for each measure, a column for each model."""
    table: dict[str, list[str]] = {"Units": list(MEASURED)}
    for result in there.values():
        row: Any = result.tables["overall"].iloc[0]
        table[str(result.request["model"])] = [
            words.shares(*(float(row[f"{name}{end}"]) for end in ("", "_low", "_high")), digits=1, to="–")
            if row[name] == row[name]
            else "not measured"
            for name in MEASURED.values()
        ]
    return pd.DataFrame(table)


def _said(there: Mapping[Side, Result], part: _Share) -> str:
    """The share over all layers of each model with its interval, and what it is held against, in one line."""
    from engine.concepts.purity.compare import against_nothing

    told = [
        f":{colours.NAMES[side]}[{errors.escape(result.request['model'])}] "
        f"{against_nothing(result, part.column, part.baselines)}"
        for side, result in there.items()
    ]
    return f"{part.finding}: {' · '.join(told)}"


def _names(view: ConceptsView, there: Mapping[Side, Result]) -> None:
    """How often a unit's name is the concept that it follows, in the layers that are named already."""
    from engine.concepts.purity.compare import names_against_truth

    rows: list[dict[str, Any]] = []
    for side, result in there.items():
        for site in views.layers(view, side):
            naming = making.named(view, view.sides[side], site)
            if naming is None:
                continue
            try:
                told = names_against_truth(naming, result)
            except VitrineError:
                continue
            if told["top1"] is not None:
                rows.append(
                    {
                        "Model": view.sides[side],
                        "Layer": site,
                        "Beyond likeness": told["units"],
                        "Labelled": told["named"],
                        "Top-1 label is the concept": _interval(told, "top1"),
                        "By chance": words.share(told["chance1"] or 0.0, 1),
                        "Among the top 5": _interval(told, "top5"),
                        "By chance ": words.share(told["chance5"] or 0.0, 1),
                    }
                )
    st.subheader("Do labels agree with the known concepts?", anchor=False)
    if rows:
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Agreement of labels with the known concept, by layer")
        st.caption(
            "Of the units beyond likeness that have a label, the share whose label contains the unit's concept, with 95% "
            "intervals. By chance: labels exchanged between units. Layers appear here once they have been labelled."
        )
    else:
        errors.hint("Run **All units of a layer** to compare its labels with the known concepts here.")


def _interval(told: Mapping[str, Any], name: str) -> str:
    low, high = told[f"{name}_interval"]
    return words.shares(told[name], low, high, to="–")


def _concepts(page: ExperimentPage[ConceptsView], view: ConceptsView, side: Side, result: Result) -> None:
    from engine.concepts import browsing

    table = result.tables["concepts"].sort_values(["units", "auroc"], ascending=False, kind="stable")
    table = table[table["units"] > 0].reset_index(drop=True)
    st.subheader(f"Concepts of :{colours.NAMES[side]}[{errors.escape(view.sides[side])}]", anchor=False)
    if not len(table):
        errors.hint("No unit of these layers is beyond likeness.")
        return
    event: Any = st.dataframe(
        table[["tag", "units", "by_chance", "concept_units", "kinds", "auroc"]],
        hide_index=True,
        height=280,
        key=page.key(f"concepts_{side}"),
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "tag": "Concept",
            "units": st.column_config.NumberColumn(
                "Candidates", help="Units beyond likeness whose best tag this is, each tested at 5%"
            ),
            "by_chance": st.column_config.NumberColumn(
                "By chance", format="%.1f", help="As many would pass with tags permuted among kinds that look alike"
            ),
            "concept_units": st.column_config.NumberColumn("Certain", help="Of those, concept units: 5% false at most"),
            "kinds": "Kinds",
            "auroc": st.column_config.NumberColumn(
                "Highest AUROC",
                format="%.2f",
                help="Of the candidate that stands out most, so higher than it would be on new images",
            ),
        },
        alt=f"The concepts that units of {view.sides[side]} respond to",
    )
    chosen = event["selection"]["rows"] if event else []
    if not chosen or chosen[0] >= len(table):
        st.caption("Select a concept to see its units.")
        return
    row: Any = table.iloc[chosen[0]]
    tag = str(row["tag"])
    rows = browsing.followers(result, tag).head(MOST_CARDS).to_dict("records")
    st.markdown(candidates(row))
    cards = [
        card.Card(
            side, view.sides[side], str(each["site"]), int(each["unit"]), f"AUROC **{float(each['auroc']):.2f}**", "concept"
        )
        for each in rows
    ]  # fmt: skip
    card.grid(page, view, cards)


def candidates(row: Mapping[Any, Any]) -> str:
    """What the units below a concept are: how many passed, how many chance alone gives, how many are certain."""
    units, certain = int(row["units"]), int(row["concept_units"])
    by_chance, low, high = (float(row[f"by_chance{end}"]) for end in ("", "_low", "_high"))
    return (
        f"{units:,} candidate{'' if units == 1 else 's'} for **{errors.escape(str(row['tag']))}**, each tested at 5%; with tags "
        f"permuted among kinds that look alike {by_chance:.1f} ({low:.0f} to {high:.0f}) would pass. "
        f"{f'{certain:,}' if certain else 'None'} of them {'is' if certain < 2 else 'are'} certain (at most 5% of a layer's "
        "false). Highest AUROC first; units were chosen on the same images, so on new ones it would be lower."
    )
