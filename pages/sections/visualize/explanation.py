"""Does the picture explain the unit? Links from the units on the page to the two experiments that ask, and their drawings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from engine.core.config import settings
from engine.core.experiments import parse_request
from engine.core.images import to_png
from engine.figures.chart import Chart, Level, series
from pages.common import colours, errors, words
from pages.common.charts import figure
from pages.common.charts.files import Source
from pages.common.experiments import single
from pages.common.experiments.drawings import drawing
from pages.common.experiments.places import SCRIPTS
from pages.common.units.view import View

if TYPE_CHECKING:
    from engine.core.request import Result

MOST_UNITS = 16
PICTURE_WIDTH = 120
QUESTION = "Does the picture explain the unit?"
STYLES = {"natural images": (1, 0), "other images": (1, 1), "noise": (1, 2)}
"""Colour and dash of what pictures are held against."""


def links(view: View) -> None:
    """Under the wall: what to ask about each side's units. The answers stand on pages of their own."""
    from engine.core.request import build
    from engine.explanation.explains import watched_by
    from engine.explanation.paths import LayerPathsRequest

    what = words.shows(view.data)
    st.header(QUESTION, anchor=False)
    st.caption(
        f"An observer, another network, sees a unit's picture and says which of two {what}s excites the unit more; chance is "
        f"50%. And layer by layer: is the picture processed like the {what}s that excite the unit?"
    )
    with st.container(horizontal=True):
        for side, address in view.sides.items():
            other = next((each.model for each in view.sides.values() if each.model != address.model), "")
            given = {
                "data": view.data,
                "model": address.model,
                "sites": (address.site,),
                "units": tuple(address.units[: settings().few(MOST_UNITS)]),
            }
            name = f":{colours.NAMES[side]}[{errors.escape(address.model)}]"
            for request, label in (
                (watched_by(other, **given), "Ask an observer"),
                (build(LayerPathsRequest, **given), "Layer by layer"),
            ):
                st.page_link(
                    SCRIPTS["visualize"],
                    label=f"{label} · {name}",
                    icon=":material/science:",
                    query_params=single.link(request),
                )


@drawing("explains")
def explains(result: Result, key: str) -> None:
    """How often the observer is right, by what it is shown; the finding says whether pictures beat top images, where the observer
    sees anything of what excites the units."""
    from engine.explanation.explains import blind, together

    pooled, apart = result.tables["layers"], result.tables["differences"].set_index("shown")
    whole = pooled[pooled["site"] == pooled["site"].iloc[0]]
    by_way = whole.set_index("shown")
    recipes = [str(recipe) for recipe in result.request["recipes"]]
    observer, more, several = result.facts["observer"], list[str](), int(result.request.get("several", 1))
    units, why = result.tables["units"], blind(result)
    if not why and units["unit"].nunique() > 1:  # of one unit nothing can be said
        shown = [
            way for way in (*recipes, *(together(recipe, several) for recipe in recipes)) if way in set(units["shown"])
        ]
        more += [*_about_the_unit(recipes, units), *_against_the_first(shown, units)]
    bars = series("", whole["shown"], whole["accuracy"], whole["low"], whole["high"])
    chart = Chart(
        "bars", (bars,), "right answers", share=True, levels=(Level(0.5, "chance"),), title=QUESTION,
        finding=errors.escape(why or " ".join(_beats(recipe, by_way, apart) for recipe in recipes)),
    )  # fmt: skip
    figure.draw(
        chart, pooled, _source(result), key=f"{key}_explains",
        note=f"{errors.escape(' '.join([*more, f'Observer: {observer}.']))} Of each unit 9 images are shown and up to 16 "
        "pairs of others asked about; 95% intervals, units as clusters. “of another unit” is the control: what is left there is "
        "what exciting images have in common, not the unit.",
    )  # fmt: skip
    _pictures(result, recipes)
    _likeness(result, key)
    for name, table in (("By layer", pooled), ("By unit", result.tables["units"])):
        with st.expander(name):
            st.dataframe(table, hide_index=True, key=f"{key}_{name}")


def _pictures(result: Result, recipes: list[str]) -> None:
    """What the observer was shown: the pictures of each recipe, with how many questions it answers rightly from each."""
    table = result.tables["units"]
    for recipe in recipes:
        made = result.arrays.get(f"pictures_{recipe}")
        if made is None:
            continue
        rows = table[table["shown"] == recipe].to_dict("records")[:MOST_UNITS]  # in the order of the pictures
        first = f"The first {len(rows)} of {len(made)} pictures" if len(made) > len(rows) else "The pictures"
        about = ", held to the features of the unit's nine top images" if recipe == "natural" else ""
        st.caption(
            f"{first} that {errors.escape(recipe)} makes{about}: the unit, and right answers from its picture alone."
        )
        with st.container(horizontal=True, gap="xsmall"):
            for picture, row in zip(made, rows, strict=False):
                unit, trials = f"{row['site']}:{row['unit']}", int(row["trials"])
                st.image(
                    to_png(picture),
                    caption=f":small[{errors.escape(unit)} · {row['accuracy'] * trials:g} of {trials}]",
                    width=PICTURE_WIDTH,
                    output_format="PNG",
                    alt=f"Picture of {unit}, made with {recipe}",
                )


def _likeness(result: Result, key: str) -> None:
    """How near pictures come to natural images, in the observer's embedding."""
    table, observer = result.tables["likeness"], errors.escape(str(result.facts["observer"]))
    rows = table.to_dict("records")
    beside, made = rows[0], rows[1:]
    bars = series("", table["shown"], table["distance"], table["low"], table["high"])
    chart = Chart(
        "bars", (bars,), "distance to the nearest natural image", title="How near do pictures come to natural images?",
        finding=errors.escape(" ".join(_near(row, beside) for row in made)),
    )  # fmt: skip
    told = [
        f"{row['shown']} {words.number(row['frechet'])} ({row['pictures']})"
        for row in rows
        if math.isfinite(row["frechet"])
    ]
    clouds = " Fréchet distance to all natural images (Heusel et al. 2017; it depends on how many there are, here in brackets): "
    figure.draw(
        chart, table, _source(result), key=f"{key}_likeness",
        note=f"Distance: one less the cosine between what {observer} makes of a picture and of the natural image nearest to it "
        "(plausibility, Fel et al. 2023); 95% intervals. The natural images are a sample, each held against the others that do "
        f"not belong together with it.{clouds + errors.escape(', '.join(told)) + '.' if len(told) > 1 else ''}",
    )  # fmt: skip


def _near(row: dict, beside: dict) -> str:
    """Whether a recipe's pictures are farther from natural images than these are from each other, in a sentence."""
    from engine.core.statistics import Estimate, combination, smallest_like

    own, natural = (Estimate(*(float(each[name]) for name in ("distance", "low", "high"))) for each in (row, beside))
    numbers = " against ".join(f"{each.value:.2f} ({each.low:.2f} to {each.high:.2f})" for each in (own, natural))
    apart = combination((1, own), (-1, natural))
    if apart.low != apart.low:
        return f"Of so few {row['shown']} pictures nothing can be said."
    if apart.low <= 0 <= apart.high:
        return (
            f"{row['shown']} pictures were not seen to be farther from natural images than these are from each other "
            f"({numbers}); {smallest_like(apart):.2f} more would have been seen, in 80% of samples."
        )
    way = "farther from" if apart.low > 0 else "nearer to"
    return f"{row['shown']} pictures are {way} natural images than these are {way.split()[1]} each other ({numbers})."


def _beats(recipe: str, by_way: pd.DataFrame, apart: pd.DataFrame) -> str:
    """What a recipe's pictures come to against top images, in a sentence or two."""
    own, top, row = (
        table.loc[name].to_dict() for table, name in ((by_way, recipe), (by_way, "top images"), (apart, recipe))
    )
    first = f"With the {recipe} picture the observer is right in {_percent(own)}, with top images in {_percent(top)}."
    if row["low"] > 0:
        return f"{first} The picture explains more."
    if row["high"] < 0:
        return f"{first} Top images explain more."
    if row["least"] != row["least"]:
        return f"{first} One unit alone cannot say which explains more."
    return f"{first} No difference was seen; {_could(row)}"


def _about_the_unit(recipes: list[str], units: pd.DataFrame) -> list[str]:
    """How far each recipe's picture is above its control, unit by unit; nothing where a layer had no other unit."""
    from engine.explanation.explains import OTHER, paired

    told = []
    for recipe in recipes:
        if f"{recipe} {OTHER}" in set(units["shown"]):
            row = paired(units, recipe, f"{recipe} {OTHER}")
            if row["low"] > 0:
                told.append(
                    f"The {recipe} picture is {_points(row)} above another unit's: so much of it is about the unit."
                )
            else:
                told.append(
                    f"The {recipe} picture was not seen to be above another unit's: {_points(row)}; {_could(row)}"
                )
    return told


def _against_the_first(ways: list[str], units: pd.DataFrame) -> list[str]:
    """Each further recipe, and several pictures of a recipe, against the first, unit by unit."""
    from engine.explanation.explains import paired

    told = []
    for way in ways[1:]:
        row = paired(units, way, ways[0])
        first = f"{way if ' ' in way else f'The {way} picture'} less the {ways[0]} one: {_points(row)}"
        told.append(
            f"{first}." if row["low"] > 0 or row["high"] < 0 else f"{first}, no difference was seen; {_could(row)}"
        )
    return told


def _points(row: dict) -> str:
    return f"{round(100 * row['difference']) + 0:+} points ({100 * row['low']:.0f} to {100 * row['high']:.0f})"


def _could(row: dict) -> str:
    return f"{int(row['units'])} units would have shown one of {100 * row['least']:.0f} points, in 80% of samples."


def _percent(row: dict) -> str:
    return words.shares(row["accuracy"], row["low"], row["high"])


@drawing("layer-paths")
def paths(result: Result, key: str) -> None:
    """Likeness to the images that excite the unit over the blocks, for pictures and for what they are held against."""
    curve, lines = result.tables["curve"], []
    for name, part in curve.groupby("shown", sort=False):
        colour, dash = STYLES.get(str(name), (0, 1 if str(name).endswith("of another unit") else 0))
        lines.append(
            series(
                str(name), part["depth"], part["similarity"], part["low"], part["high"], colour=colour, dash=dash,
                about=tuple(part["block"].astype(str)),
            )
        )  # fmt: skip
    chart = Chart(
        "lines", tuple(lines), "block", "Spearman's correlation over channels",
        title="Is the picture processed like the images that excite the unit?",
        finding=errors.escape(" ".join(filter(None, map(_way, result.tables["follows"].to_dict("records"))))),
    )  # fmt: skip
    figure.draw(
        chart, curve, _source(result), key=f"{key}_paths",
        note="How alike each is to the nine images that excite the unit the most, block by block; bands are 95% intervals over "
        "units. Natural images: further ones that excite the unit. Their lead: over images that do not excite it. A "
        "picture with less than a sixth of it takes another way. After Geirhos et al. 2024.",
    )  # fmt: skip
    st.dataframe(result.tables["follows"], hide_index=True, key=f"{key}_follows")


def _source(result: Result) -> Source:
    """The page that shows the result alone."""
    return Source("feature_visualization", single.link(parse_request(result.request)), (result.key,))


def _way(row: dict) -> str:
    """What one row says, in a sentence or two; nothing of the natural images, which are there for comparison."""
    if row["shown"] == "natural images":
        return ""
    lead = _between(row, "difference", "low", "high")
    start = f"{row['site']}, {row['shown']}: own pictures are {lead} more alike than others'"
    if row["part_low"] != row["part_low"]:
        return f"{start}. Too few units to say what that is worth: natural images themselves were not seen to lead."
    start += f", {words.shares(row['part'], row['part_low'], row['part_high'])} of natural images' lead"
    if row["says"] == "follows":
        return f"{start}: they follow the units' images."
    if row["says"] == "does not follow":
        return f"{start}, less than a sixth. Flagged: pictures do not follow the units' images."
    return (
        f"{start}. Whether that is a sixth cannot be told with {row['units']} units: a lead {words.number(row['least'])} above "
        f"or below it ({words.number(row['wanted'])}) would have been, in 80% of samples."
    )


def _between(row: dict, value: str, low: str, high: str) -> str:
    return f"{words.number(row[value])} ({words.number(row[low])} to {words.number(row[high])})"
