"""The images of the page "Background and texture": one class at a time, every variant with what each model answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from engine.core.choices import Cut, Fill, Filter
from pages.common import colours, errors, results
from pages.common.words import share
from pages.sections.reliance.charts import VARIANTS
from pages.sections.reliance.compared import aligned, keys_of
from pages.sections.reliance.view import View

if TYPE_CHECKING:
    from engine.core.request import Result
    from engine.data.registry import Dataset

SHOWN = 6
LOW_PASSES = (0.08, 0.16)
WIDTH = 132
SORTS = {"apart": "Largest disagreement first", "order": "In order"}


def draw(view: View, cut: Mapping[str, Result], filtered: Mapping[str, Result]) -> View:
    """Images of the chosen class; returns the view with the class that is chosen now."""
    from engine.data.imagenet import readable
    from engine.evaluation import comparison

    st.header("Images", anchor="images")
    dataset = results.dataset(view.data)
    together = aligned(keys_of(view, "background", cut))
    apart = comparison.disagreement(together)
    labels = dataset.labels()[together.images]
    classes = [dataset.class_names[kind] for kind in np.unique(labels)]
    usual = dataset.class_names[labels[int(apart.argmax())]]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        kind = st.selectbox(
            "Class", classes, index=classes.index(view.kind if view.kind in classes else usual), format_func=readable,
            help="Starts with the class of the image on which the models disagree most.", width=300,
        )  # fmt: skip
        sort = st.segmented_control("Sort", list(SORTS), default="apart", format_func=SORTS.__getitem__, required=True)
    mine = np.flatnonzero(labels == dataset.class_names.index(kind))
    order = mine[np.argsort(-apart[mine], kind="stable")] if sort == "apart" else mine
    _key(view.models)
    for place in order[:SHOWN]:
        _row(view, int(together.images[place]), float(apart[place]), cut, filtered)
    if len(order) > SHOWN:
        st.caption(f"{SHOWN} of {len(order)} images of this class.")
    return view.model_copy(update={"kind": kind}) if kind != usual or view.kind else view


def _key(models: Sequence[str]) -> None:
    marks = " · ".join(f":{colours.MODELS[number]}[■] {errors.escape(model)}" for number, model in enumerate(models))
    st.caption(f"{marks} · top-1 prediction and its probability; **bold** if correct")


def _row(view: View, index: int, apart: float, cut: Mapping[str, Result], filtered: Mapping[str, Result]) -> None:
    """One image: a picture for each variant, and below each what every model answered."""
    dataset = results.dataset(view.data)
    known = dataset.describe(index)
    st.caption(
        f"**{errors.escape(_name(known))}** · probabilities of the true class differ by {share(apart)} on average"
    )
    pictures = [
        (f"{VARIANTS[name]}, {fill}" if fill else VARIANTS[name], data, cut, place)
        for place, ((name, fill), data) in enumerate(_cut(view, index))
    ]
    if filtered:
        sample = next(iter(filtered.values()))
        places = [_nearest(sample, cutoff) for cutoff in LOW_PASSES]
        spans = tuple(
            (float(sample.facts["variants"][place][1]), float(sample.facts["variants"][place][2])) for place in places
        )
        pngs = _filtered(view.data, dataset.fingerprint, dataset, index, spans, view.filter, _size(view))
        pictures += [
            (f"low-pass {span[1]:g}", data, filtered, place)
            for span, data, place in zip(spans, pngs, places, strict=True)
        ]
    with st.container(horizontal=True, gap="small"):
        for caption, data, answered, place in pictures:
            with st.container(width=WIDTH, gap="xsmall"):
                st.image(data, output_format="PNG", width=WIDTH, alt=f"{_name(known)}, {caption}")
                st.caption("  \n".join([caption, *_answers(view.models, answered, index, place)]))


def _answers(models: Sequence[str], computed: Mapping[str, Result], index: int, place: int) -> list[str]:
    """One line a model: colour, first answer, probability."""
    from engine.data.imagenet import readable

    lines = []
    for model, result in computed.items():
        row = np.flatnonzero(result.arrays["images"] == index)
        if not len(row):
            continue
        answer = int(result.arrays["top"][row[0], place, 0])
        probability = float(result.arrays["probability"][row[0], place, 0])
        names = _classes(model)
        text = errors.escape(readable(names[answer]))
        right = answer == int(result.arrays["labels"][row[0]])
        lines.append(
            f":{colours.MODELS[models.index(model)]}[■] {f'**{text}**' if right else text} {share(probability)}"
        )
    return lines


@st.cache_resource(max_entries=16, show_spinner=False)
def _classes(model: str) -> tuple[str, ...]:
    from engine.evaluation.class_matching import model_classes

    return model_classes(model)


@st.cache_resource(max_entries=512, show_spinner=False)
def _cut_pngs(
    data: str, fingerprint: str, _opened: Dataset, index: int, how: Cut, fills: tuple[Fill, ...], size: tuple[int, int]
) -> list[tuple[tuple[str, str], bytes]]:
    from engine.core.images import to_png
    from engine.reliance.examples import cut_pictures

    pictures = cut_pictures(_opened, index, how, fills, size)
    return [(pair, to_png(picture)) for pair, picture in pictures.items()]


def _cut(view: View, index: int) -> list[tuple[tuple[str, str], bytes]]:
    dataset = results.dataset(view.data)
    return _cut_pngs(view.data, dataset.fingerprint, dataset, index, view.cut, view.fills, _size(view))


@st.cache_resource(max_entries=512, show_spinner=False)
def _filtered(
    data: str,
    fingerprint: str,
    _opened: Dataset,
    index: int,
    spans: tuple[tuple[float, float], ...],
    shape: Filter,
    size: tuple[int, int],
) -> list[bytes]:
    from engine.core.images import to_png
    from engine.reliance.examples import filtered_pictures

    return [to_png(picture) for picture in filtered_pictures(_opened, index, spans, shape, size)]


@st.cache_resource(max_entries=16, show_spinner=False)
def _input_size(model: str) -> tuple[int, int]:
    from engine.models import catalog

    _, height, width = catalog.find(model).input_size
    return height, width


def _size(view: View) -> tuple[int, int]:
    return _input_size(view.models[0])


def _nearest(result: Result, cutoff: float) -> int:
    """The place of the low-pass nearest to a cut-off among a result's variants."""
    low = [
        (abs(upper - cutoff), place) for place, (kind, _, upper) in enumerate(result.facts["variants"]) if kind == "low"
    ]
    return min(low)[1]


def _name(known: Mapping[str, object]) -> str:
    from pages.common import words

    return words.scene(dict(known))
