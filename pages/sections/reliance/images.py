"""The images of the page "Background and texture": scenes whole, cut and filtered, with what each model answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from engine.core.choices import Cut, Fill, Filter
from engine.core.errors import RefusedFile
from pages.common import colours, errors, results, style, words
from pages.common.experiments.places import link_to_photo
from pages.common.words import share
from pages.sections.reliance import sheet
from pages.sections.reliance.charts import VARIANTS
from pages.sections.reliance.compared import aligned
from pages.sections.reliance.shown import Shown

if TYPE_CHECKING:
    from engine.core.request import Result
    from engine.data.registry import Dataset
    from engine.evaluation.comparison import Aligned

SHOWN = 6
LOW_PASSES = (0.08, 0.16)
LEAST = 330
"""The least width of a scene with its variants, in pixels."""
TRIED = 10
"""Images from which one is taken that can be shown, where some cannot: each is opened for it."""
PICTURE = 92
"""And of one of them: three stand side by side on a phone."""
ALL = "All kinds"
Picture = tuple[str, bytes, int]
"""How a scene was treated, as PNG, and its place among the variants."""
SORTS = {"apart": "Where they differ", "order": "As they come"}


def draw(shown: Shown) -> None:
    """Six scenes whole, without background and without object, with each model's answers below."""
    from engine.data.imagenet import readable

    view, dataset, what = shown.view, results.dataset(shown.view.data), words.shows(shown.view.data)
    both = aligned(shown.keys)
    labels = _labels(view.data, dataset.fingerprint, dataset)[both.images]
    kinds = [ALL, *sorted({dataset.class_names[kind] for kind in np.unique(labels)}, key=readable)]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        key = "bg_shown_kind"
        st.session_state[key] = view.kind if view.kind in kinds else ALL

        def turned() -> None:
            chosen = st.session_state[key]
            shown.turn(view.model_copy(update={"kind": "" if chosen == ALL else chosen}))

        label = f"{what.capitalize()}s of"
        st.selectbox(label, kinds, key=key, format_func=readable, on_change=turned, width=220)
        sort = st.segmented_control(
            "Order", list(SORTS), default="apart", format_func=SORTS.__getitem__, required=True, key="bg_shown_order"
        )
    mine = np.arange(len(labels)) if not view.kind else np.flatnonzero(labels == _number(dataset, view.kind))
    mine = _looked_at(shown, both, mine)
    order = _order(shown.keys)
    order = order[np.isin(order, mine)] if sort == "apart" else mine
    pictured = [(image, _cut(shown, image)) for image in map(int, both.images[order[:SHOWN]])]
    with st.container(key=f"{style.THUMBS}-scenes"), st.grid(2, min_column_width=LEAST, gap="medium"):
        for image, pictures in pictured:
            _scene(shown, image, pictures)
    st.caption(
        f"{min(SHOWN, len(order))} of {len(order)} {what}s; ✓ right, ✗ wrong, with the probability of the answer. "
        f"“{VARIANTS['foreground']}” has its background {'filled' if view.fills != ('black',) else 'blacked out'}."
    )
    if pictured:
        sheet.button(shown, "bg-scenes", "Scenes whole, without background and without object", _told(shown, pictured))


def filtered(shown: Shown, cutoff: float) -> None:
    """The same scenes under low-passes, among them the one that was clicked, and under any other filter that was."""
    both = aligned(shown.keys)
    order = _order(shown.keys)[: SHOWN // 2]
    cutoffs = sorted({*LOW_PASSES, *([cutoff] if cutoff else [])})
    places = list(dict.fromkeys(_nearest(shown.first, each) for each in cutoffs))
    variants = shown.first.facts["variants"]
    if 0 <= shown.view.at < len(variants) and shown.view.at not in places:
        places.append(shown.view.at)
    spans = tuple((float(low), float(high)) for _, low, high in (variants[each] for each in places))
    dataset = results.dataset(shown.view.data)
    names, pictured = [_passed(*variants[each]) for each in places], []
    with st.container(key=f"{style.THUMBS}-filtered"), st.grid(SHOWN // 2, min_column_width=220, gap="medium"):
        for image in map(int, both.images[order]):
            pngs = _filtered(
                shown.view.data, dataset.fingerprint, dataset, image, spans, shown.view.filter, _size(shown)
            )
            pictured.append((image, list(zip(names, pngs, places, strict=True))))
            _scene(shown, *pictured[-1])
    sheet.button(shown, "bg-filtered", "Scenes without their high frequencies", _told(shown, pictured))


def _told(shown: Shown, pictured: Sequence[tuple[int, list[Picture]]]) -> Callable[[], list[sheet.Scene]]:
    """Scenes as they are shown, for a figure."""

    def told() -> list[sheet.Scene]:
        opened = results.dataset(shown.view.data)
        return [
            (
                words.scene(dict(opened.describe(image))),
                [(caption, png, _answers(shown, image, place)) for caption, png, place in pictures],
            )
            for image, pictures in pictured
        ]

    return told


def ahead(shown: Shown) -> None:
    """Scenes as models are shown them, before any has answered: cut, or filtered. None where another network has to cut them."""
    view, dataset = shown.view, results.dataset(shown.view.data)
    spans = tuple((0.0, cutoff) for cutoff in LOW_PASSES)

    def pictures(index: int) -> list[tuple[str, bytes, int]]:
        if shown.measure == "background":
            return _cut(shown, index)
        pngs = _filtered(view.data, dataset.fingerprint, dataset, index, spans, view.filter, _size(shown))
        return [(f"up to {upper:.2g} of Nyquist", png, 0) for (_, upper), png in zip(spans, pngs, strict=True)]

    if shown.measure == "frequency" or (shown.measure == "background" and view.cut != "saliency"):
        asked = _evaluated(view.data, dataset.fingerprint, dataset)
        with (
            st.container(key=f"{style.THUMBS}-ahead-{shown.measure}"),
            st.grid(2, min_column_width=LEAST, gap="medium"),
        ):
            for part in np.array_split(asked, min(SHOWN, len(asked)) or 1):
                for index in map(int, part[:TRIED]):
                    with suppress(RefusedFile):  # no model is asked about it either
                        made = pictures(index)
                        _scene(shown, index, made)
                        break


@st.cache_resource(max_entries=8, show_spinner=False)
def _labels(data: str, fingerprint: str, _opened: Dataset) -> np.ndarray:
    return _opened.labels()


@st.cache_resource(max_entries=8, show_spinner=False)
def _evaluated(data: str, fingerprint: str, _opened: Dataset) -> np.ndarray:
    return _opened.evaluated()


@st.cache_resource(max_entries=24, show_spinner=False)
def _order(keys: tuple[str, ...]) -> np.ndarray:
    """Places of the images, those first that tell most: right whole in all models, and without background in some only."""
    from engine.evaluation.comparison import telling

    return telling(aligned(keys))


def _number(dataset: Dataset, kind: str) -> int:
    return dataset.class_names.index(kind) if kind in dataset.class_names else -1


def _looked_at(shown: Shown, both: Aligned, mine: np.ndarray) -> np.ndarray:
    """Of these images those that a clicked bar asks for: right whole, and wrong in its variant, by its model."""
    model, _, place = shown.view.look.partition("|")
    if model not in both.models or not place.isdecimal() or int(place) >= len(both.variants):
        return mine
    number, at = both.models.index(model), int(place)
    right = both.top1[number]
    wrong = mine[~right[mine, at] & (right[mine, both.place("full")] | (at == both.place("full")))]
    name, fill = both.variants[at]
    what = f"right whole and wrong as {VARIANTS.get(name, name)}{f', {fill}' if fill else ''}"
    what = "wrong whole" if at == both.place("full") else what
    with st.container(horizontal=True, vertical_alignment="center"):
        shows = f"{words.shows(shown.view.data)}{'' if len(wrong) == 1 else 's'}"
        st.caption(f"{len(wrong)} {shows} that {errors.escape(model)} gets {what}.", width="content")
        if st.button("Show all", type="tertiary", key="bg_look_all"):
            shown.turn(shown.view.model_copy(update={"look": ""}))
            st.rerun()
    return wrong


def _scene(shown: Shown, index: int, pictures: list[tuple[str, bytes, int]]) -> None:
    """One image: its pictures side by side, and below each what every model answered."""
    known = words.scene(dict(results.dataset(shown.view.data).describe(index)))
    with st.container(gap="xxsmall"):
        link_to_photo(f"**{errors.escape(known)}**", index, shown.view.data, shown.view.models)
        with st.grid(len(pictures), min_column_width=PICTURE, gap="small"):
            for caption, data, place in pictures:
                with st.container(gap="xxsmall"):
                    st.image(data, output_format="PNG", width="stretch", alt=f"{known}, {caption}")
                    st.markdown("  \n".join(f":small[{line}]" for line in [caption, *_answers(shown, index, place)]))


def _answers(shown: Shown, index: int, place: int) -> list[str]:
    """Two lines a model: its name; a sign, its first answer, and how probable it was."""
    from engine.data.imagenet import readable

    lines = []
    for model, result in shown.computed.items():
        row = int(np.searchsorted(result.arrays["images"], index))
        if row == len(result.arrays["images"]) or result.arrays["images"][row] != index:
            continue
        answer = int(result.arrays["top"][row, place, 0])
        probability = float(result.arrays["probability"][row, place, 0])
        right = answer == int(result.arrays["labels"][row])
        name = errors.escape(readable(_classes(model)[answer]))
        colour = colours.MODELS[shown.view.models.index(model)]
        lines += [f":{colour}[{errors.escape(model)}]", f"{'✓' if right else '✗'} {name} {share(probability)}"]
    return lines


@st.cache_resource(max_entries=16, show_spinner=False)
def _classes(model: str) -> tuple[str, ...]:
    from engine.evaluation.class_matching import model_classes

    return model_classes(model)


@st.cache_resource(max_entries=results.MOST_PICTURES, show_spinner=False)
def _cut_pngs(
    data: str, fingerprint: str, _opened: Dataset, index: int, how: Cut, fills: tuple[Fill, ...], size: tuple[int, int]
) -> list[tuple[tuple[str, str], bytes]]:
    from engine.core.images import to_png
    from engine.reliance.examples import cut_pictures

    pictures = cut_pictures(_opened, index, how, fills, size)
    return [(pair, to_png(picture)) for pair, picture in pictures.items()]


def _cut(shown: Shown, index: int) -> list[tuple[str, bytes, int]]:
    """Of the first fill: whole, without background, without object; with their places among the variants."""
    view, dataset = shown.view, results.dataset(shown.view.data)
    pngs = _cut_pngs(view.data, dataset.fingerprint, dataset, index, view.cut, view.fills, _size(shown))
    return [
        (VARIANTS[name], data, place) for place, ((name, fill), data) in enumerate(pngs) if fill in ("", view.fills[0])
    ]


@st.cache_resource(max_entries=results.MOST_PICTURES, show_spinner=False)
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


def _size(shown: Shown) -> tuple[int, int]:
    return results.input_size(shown.view.models[0])


def _passed(kind: str, low: float, high: float) -> str:
    """What a filter lets through, in words."""
    return {"band": f"{low:.2g} to {high:.2g}", "high": f"from {low:.2g}"}.get(
        kind, f"up to {high:.2g}"
    ) + " of Nyquist"


def _nearest(result: Result, cutoff: float) -> int:
    """The place of the low-pass nearest to a cut-off among a result's variants."""
    low = [
        (abs(upper - cutoff), place) for place, (kind, _, upper) in enumerate(result.facts["variants"]) if kind == "low"
    ]
    return min(low)[1]
