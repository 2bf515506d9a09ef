"""The photo beside what the models answer to it, and the words that a CLIP finds for it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from engine.core.choices import EMBEDDING
from engine.core.request import Result
from engine.figures.chart import Chart, series
from pages.common import colours, errors, query, results, words
from pages.common.charts import figure
from pages.common.charts.files import Source
from pages.common.colours import Side
from pages.common.experiments.places import SCRIPTS
from pages.sections.photo import known, layers
from pages.sections.photo.view import PhotoView

if TYPE_CHECKING:
    from engine.concepts.zero_shot import Said

WANTED, LOGITS = "ph_class_clicked", "head.logits"
WORDS = 5
ABSENT = "Not looked at yet."
STRANGE = 20
"""Percent of a data set's images whose best word fits less well, below which a photo is strange to the reader."""


def draw(view: PhotoView, computed: Mapping[str, Result], awaited: Collection[str]) -> None:
    """A column for each model: its answers, why it has none, or whether they are `awaited`. Bars of the same length are as likely
    in both."""
    tables = [
        result.tables["answers"]
        for name, result in computed.items()
        if name in {f"photo-{side}" for side in view.sides}
    ]
    most = max((float(table["high"].max()) for table in tables if not table.empty), default=0.0)
    for column, (side, model) in zip(st.columns(len(view.sides), gap="large"), view.sides.items(), strict=True):
        with column:
            st.markdown(f"## {_marked(side, model)}")
            if (result := computed.get(f"photo-{side}")) is None:
                st.caption("Looking" if f"photo-{side}" in awaited else ABSENT)
                continue
            table = result.tables["answers"]
            if table.empty:
                st.caption(" ".join(result.facts["missing"]))
                continue
            said = finding(table)
            st.markdown(said, help=f"The cuts: {result.facts['cuts'].partition(': ')[2]}.")
            title = f"The most likely classes of {model}"
            units = classes_as_units(table, model)
            figure.draw(
                chart_of(table, "name", side, most, units, title=title), table, _source(view, said, result.key),
                key=f"photo-answers-{side}", note="Whiskers: the range over ten slightly different cuts of the photo.",
                opens="the unit of its class" if units else "", on_click=_wanted if units else None,
            )  # fmt: skip
    if (wanted := st.session_state.pop(WANTED, None)) is not None:
        model, unit = wanted
        index = known.index_of(model, LOGITS, view.data)
        st.switch_page(SCRIPTS["visualize"], query_params=layers.link(model, LOGITS, unit, index))


def classes_as_units(table: pd.DataFrame, model: str) -> tuple[list[Any], ...]:
    """What a click on each answer opens: its unit in the classifier. Nothing where a model has no unit for each class."""
    from engine.models.catalog import sites_of

    site = sites_of(model).get(LOGITS)
    classes = table["class"].astype(int).tolist()
    return tuple([model, each] for each in classes) if site is not None and max(classes) < site.units else ()


def _wanted(what: list[Any]) -> None:
    """A class was clicked: its unit is opened when the page runs again, from where one can go to another page."""
    st.session_state[WANTED] = str(what[0]), int(what[1])


def _source(view: PhotoView, said: str, *keys: str) -> Source:
    return Source("photo", query.write(view), keys, said)


def _marked(side: Side, model: str) -> str:
    return f"{side.upper()} · :{colours.NAMES[side]}[{errors.escape(model)}]"


def finding(table: pd.DataFrame) -> str:
    """The first answer as one would say it, and how sure it is."""
    first = table.iloc[0]
    sure = "Most likely" if first["probability"] >= 0.5 else "Not sure: perhaps"
    span = f"{words.share(first['low'])} to {words.share(first['high'])}"
    return f"{sure} **{errors.escape(str(first['name']))}**, {words.share(first['probability'])} ({span})."


def words_for(view: PhotoView, computed: Mapping[str, Result], awaited: Collection[str]) -> None:
    """The words of the reader, with the chance level and what to make of them; before that, whether they are `awaited`."""
    photo = computed.get(_part_of_reader(view))
    st.header("Words for it", anchor=False)
    if photo is None or "words" not in computed:
        looking = {_part_of_reader(view), "words"} & {*awaited}
        st.caption(f"{errors.escape(view.reader)} is looking" if looking else ABSENT)
        return
    if "embeddings" not in photo.arrays:
        st.caption(f"{errors.escape(view.reader)} has no text tower, so it knows no words. Choose a CLIP for text.")
        return
    seen = known.index_of(view.reader, EMBEDDING, view.data)
    said = _said(photo.key, computed["words"].key, seen[0] if seen else None)
    what = spoken(view.reader, said, seen[1] if seen else "")
    count, title = len(computed["words"].facts["words"]), f"The words that {view.reader} finds most likely"
    chance = "" if math.isnan(said.chance) else f" At chance each would have {100 * said.chance:.2f}%."
    if vague(said):  # words that do not hold are not what one reads first
        st.markdown(what)
        place = st.expander("Its words all the same", key="photo-words-all")
    else:
        place, right = st.columns(2, gap="large")
        right.markdown(what)
    with place:
        figure.draw(
            chart_of(said.words, "word", None, title=title), said.words,
            _source(view, what, photo.key, computed["words"].key), key="photo-words",
            note=f"Probability beside {count:,} words at once, by {errors.escape(view.reader)}; whiskers as above.{chance}",
        )  # fmt: skip


def spoken(reader: str, said: Said, data: str) -> str:
    """Whether the words can be relied on: how well the best fits, beside the best words of a data set's images, and whether it
    stands out from the next."""
    if between := unsure(said):
        return f"**{errors.escape(reader)} is not sure**: {between}. {_fits(reader, said, data)}"
    return _fits(reader, said, data)


def vague(said: Said) -> bool:
    """Whether the words tell nothing that one could rely on."""
    return bool(unsure(said)) or said.fits < STRANGE


def unsure(said: Said) -> str:
    """The words that small changes of the photo (the whiskers) cannot tell apart; empty where the first stands out."""
    rows = said.words.to_dict("records")
    like = [row for row in rows if row["high"] >= rows[0]["low"]]
    if len(like) < 2:
        return ""
    named = ", ".join(f"“{errors.escape(str(row['word']))}” ({words.share(row['probability'])})" for row in like)
    return f"{named} cannot be told apart: a slightly different cut of the photo changes as much"


def _fits(reader: str, said: Said, data: str) -> str:
    best, reader, of = errors.escape(str(said.words["word"].iloc[0])), errors.escape(reader), errors.escape(data)
    if math.isnan(said.fits):
        return f"{reader} finds “{best}” most likely (cosine {said.closest:.2f})."
    if said.fits < STRANGE:
        return (
            f"**{reader} hardly knows such images**: its best word, “{best}”, fits worse than the best word of "
            f"{words.share(1 - said.fits / 100)} of the images of “{of}”."
        )
    return f"“{best}” fits better than the best word of {words.share(said.fits / 100)} of the images of “{of}”."


def _part_of_reader(view: PhotoView) -> str:
    """The name of the part in which the reader looks at the photo."""
    return next((f"photo-{side}" for side, model in view.sides.items() if model == view.reader), "photo-reader")


@st.cache_resource(max_entries=64, show_spinner=False)
def _said(photo: str, known: str, seen: str | None) -> Said:
    from engine.concepts.zero_shot import said_of

    read, listed = results.find(photo), results.find(known)
    assert read is not None and listed is not None, "drawn for results that are there"
    return said_of(read, listed, results.find(seen) if seen else None, WORDS)


def chart_of(
    table: pd.DataFrame,
    name: str,
    side: Side | None,
    most: float = 0.0,
    opens: tuple[list[Any], ...] = (),
    **rest: Any,
) -> Chart:
    """Names with their probabilities as bars, the most likely on top, whiskers from lowest to highest, on an axis that has room
    for `most`."""
    names = np.array(table[name].astype(str).tolist(), object)
    colour = None if side is None else colours.PLACES[side]
    bars = series("", names, table["probability"], table["low"], table["high"], colour=colour, opens=opens)
    end = max(1.04 * max(most, float(table["high"].max())), 0.1)
    return Chart("bars", (bars,), "probability", share=True, span=(0.0, min(1.0, end)), **rest)
