"""From text to pictures: what a reader's embedding draws for a text, and what a few units draw that follow it together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.core.address import Address
from engine.core.choices import EMBEDDING
from pages.common import colours, errors, query, results, words
from pages.common.charts import figure
from pages.common.charts.files import Files, Pictures, Source
from pages.common.colours import Side
from pages.common.experiment_page import ExperimentPage, Part
from pages.sections.concepts import card, making
from pages.sections.concepts import view as views
from pages.sections.concepts.view import ConceptsView

if TYPE_CHECKING:
    from engine.core.request import Result

WIDTH = 224


def draw(page: ExperimentPage[ConceptsView], view: ConceptsView, computed: Mapping[str, Result]) -> None:
    """The picture of the text by the reader's embedding, and by a few units of each model that follow it together."""
    if not view.text:
        errors.hint("Enter a text above; then a picture can be optimized for it here.", "brush")
        return
    text = errors.escape(view.text)
    st.caption(
        "Pictures optimized from noise, without a generative model. The first maximizes the similarity between the CLIP "
        "embeddings of picture and text; the others activate a few units whose weighted sum follows the text."
    )
    if made := _made_of(view, computed):
        figure.pictures("cn-text", lambda: _files(view, made))
    with st.grid(1 + len(view.sides), min_column_width=260, gap="large"):
        if "says" in computed:
            with st.container():
                st.subheader(f"{errors.escape(view.reader)} · text similarity", anchor=False)
                _made(
                    computed["says"], f"Picture optimized for the similarity of {view.reader} to the text {view.text}"
                )
                facts = computed["says"].tables["units"].to_dict("records")[0]
                st.caption(
                    f"“{text}”: cosine **{float(facts['activation']):.3f}** between picture and text, above "
                    f"{words.among(float(facts['percentile']), f'the images of {errors.escape(view.data)}')}."
                )
                card.closer(view, Address(view.reader, EMBEDDING, (), (str(computed["says"].request["targets"][0]),)))
        for side, model in view.sides.items():
            if f"find-{side}" in computed:
                with st.container():
                    _sparse(page, view, side, model, computed[f"find-{side}"])


def _made_of(view: ConceptsView, computed: Mapping[str, Result]) -> dict[str, Result]:
    """The pictures of the text that are there, by what they are of."""
    made = {f"{view.reader}: similarity to the text": computed["says"]} if "says" in computed else {}
    for side, model in view.sides.items():
        if found := computed.get(f"find-{side}"):
            known: dict[str, Any] = found.facts["sparse"]
            picture = results.find(views.picture(view, model, str(known["site"]), str(known["target"])).key())
            if picture is not None:
                made[f"{model}: {known['target']} of {known['site']}"] = picture
    return made


def _files(view: ConceptsView, made: Mapping[str, Result]) -> Files:
    """The same as one figure."""
    from engine.figures.cards import numbers
    from engine.figures.layout import Card, Row

    def rows() -> list[Row]:
        return [Row("", tuple(Card(result.arrays["images"][0], (told,)) for told, result in made.items()))]

    there, source = [*made.values()], Source("concepts", query.write(view), tuple(each.key for each in made.values()))
    caption = "Pictures optimized from noise, without a generative model."
    return Files(Pictures(f"“{view.text}”", rows, len(made), caption=caption), lambda: numbers(there), source)


def _sparse(page: ExperimentPage[ConceptsView], view: ConceptsView, side: Side, model: str, result: Result) -> None:
    known: dict[str, Any] = result.facts["sparse"]
    site, target = str(known["site"]), str(known["target"])
    st.subheader(f":{colours.NAMES[side]}[{errors.escape(model)}] · up to five units", anchor=False)
    request = views.picture(view, model, site, target)
    picture = results.find(request.key())
    if picture is not None:
        _made(picture, f"Picture for the weighted sum {target} of units of {model}, {site}, which follows {view.text}")
    elif request.key() not in making.coming(page) and st.button(
        "Run: make this picture (about 10 s)", icon=":material/brush:", key=page.key(f"sparse_{side}")
    ):
        with errors.shown():
            making.want(page, [Part(f"sparse-{side}", views.title(view, side, "Picture of the combination"), request)])
            st.rerun()
    st.caption(
        f"A weighted sum of units of `{site}` that follows “{errors.escape(view.text)}” with a correlation of "
        f"**{float(known['correlation']):.2f}** over the images ({float(known['held_out']):.2f} on held-out images; the "
        f"best single unit: {float(result.facts['best']):.2f}), found by orthogonal matching pursuit."
    )
    st.code(target, language=None, wrap_lines=True)
    card.closer(view, Address(model, site, (), (target,)))


def _made(result: Result, alt: str) -> None:
    st.image(results.picture(result.key, "images", 0, WIDTH), width=WIDTH, output_format="PNG", alt=alt)
