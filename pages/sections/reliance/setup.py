"""The controls of the page "Background and texture": one line of models, images and what to measure; the rest is advanced."""

from __future__ import annotations

import streamlit as st

from engine.core.choices import DEFAULT_DATA, DEFAULT_FILLS, DEFAULT_FILTER, DEFAULT_MODELS, FILLS, FILTERS
from engine.core.errors import BadRequest, VitrineError
from pages.common import errors, widgets
from pages.common.experiment_page import ExperimentPage
from pages.sections.reliance.charts import NUMBERS
from pages.sections.reliance.view import MOST_MODELS, View, knows, refusal, suitable, title

FIRST = [*DEFAULT_MODELS]
LINE = [3.0, 1.4, 3.0, 1.1]


def draw(page: ExperimentPage[View]) -> None:
    """Draw the widgets; a click on Run shows what they say."""
    first, second, third, last = st.columns(LINE, vertical_alignment="bottom", gap="small")
    with first:
        models = _models(page)
    with second:
        data = _data(page)
    try:
        measures, cuts = suitable(data)
    except VitrineError as error:
        errors.show(error)
        return
    with third:
        chosen = _measures(page, measures)
    with last:
        run = st.button(
            "Run", type="primary", icon=":material/play_arrow:", key=page.key("run"), width="stretch",
            disabled=not models or not chosen,
        )  # fmt: skip
    _say_what_is_known(models, data)
    with page.advanced():
        view = _advanced(page, models, data, chosen, cuts)
    if not models:
        errors.hint("Choose a classifier; with a second one, differences are tested with paired tests over images.")
    if not chosen:
        errors.hint("Choose at least one experiment.")
    if view:
        page.tell_choice(view)
    if run and view:
        with errors.shown():
            if (refused := refusal(view)) is not None:
                raise BadRequest(refused)
            page.show(view, compute=True)


def _say_what_is_known(models: list[str], data: str) -> None:
    """Below the line: how models and images are read, and which kinds a model knows where that is not all."""
    widgets.say_how_model_is_read(*models)
    widgets.say_how_data_is_read(data)
    for line in knows(models, data):
        st.caption(f":material/info: {errors.escape(line)}")


def _models(page: ExperimentPage[View]) -> list[str]:
    chosen = st.session_state.setdefault(page.key("models"), FIRST)
    return st.multiselect(
        "Models",
        list(dict.fromkeys([*widgets.available_models(), *chosen])),
        key=page.key("models"),
        max_selections=MOST_MODELS,
        accept_new_options=True,
        help="Up to eight classifiers. Adding one to a finished comparison computes only the new one.",
        **widgets.KEEP,
    )


def _data(page: ExperimentPage[View]) -> str:
    from engine.data.registry import dataset_names

    sets, state = dataset_names(), st.session_state
    if state.setdefault(page.key("data"), DEFAULT_DATA) not in sets:
        state[page.key("data")] = DEFAULT_DATA
    return st.selectbox(
        "Images",
        sets,
        key=page.key("data"),
        help="Add your own data in vitrine.toml: class folders, with ILSVRC's XML boxes or masks, or Parquet files.",
        **widgets.KEEP,
    )


def _measures(page: ExperimentPage[View], measures: tuple[str, ...]) -> tuple[str, ...]:
    key = page.key("measures")
    first = _keep_known(key, measures, [name for name in measures if name in ("background", "frequency")])
    chosen = st.multiselect(
        "Experiments",
        measures,
        default=None if key in st.session_state else first,
        key=key,
        format_func=title,
        **widgets.KEEP,
    )
    return tuple(chosen)


def _advanced(
    page: ExperimentPage[View], models: list[str], data: str, measures: tuple[str, ...], cuts: tuple[str, ...]
) -> View | None:
    state = st.session_state
    if state.get(page.key("cut")) not in cuts:
        state[page.key("cut")] = cuts[0]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        cut = st.segmented_control(
            "Segmentation",
            cuts,
            key=page.key("cut"),
            required=True,
            help="The paper cuts by boxes. If a data set has neither boxes nor masks, a saliency network can locate the "
            "object; the results then depend on that network too, and are labelled accordingly.",
            **widgets.KEEP,
        )
        state.setdefault(page.key("fills"), [*DEFAULT_FILLS])
        fills = st.pills(
            "Fill",
            FILLS,
            selection_mode="multi",
            key=page.key("fills"),
            help="The fill is a cue in itself. The paper uses black; all others are derived from the pixels that are kept.",
            **widgets.KEEP,
        )
        state.setdefault(page.key("filter"), DEFAULT_FILTER)
        edge = st.segmented_control("Filter type", FILTERS, key=page.key("filter"), required=True, **widgets.KEEP)
        state.setdefault(page.key("number"), "top1")
        number = st.selectbox(
            "Accuracy", list(NUMBERS), key=page.key("number"), format_func=NUMBERS.__getitem__, width=200,
            help="“Of whole image”: the accuracy relative to that on whole images, as in the paper's Table 2.", **widgets.KEEP,
        )  # fmt: skip
        with st.container(width=150):
            limit = widgets.number(
                "Images (0: all)", page.key("limit"), View.model_fields["limit"].default, 10_000_000, 0
            )
    if (shown := page.shown()) is not None and shown.number != number:
        page.turn(shown.model_copy(update={"number": number}))
    if not models or not measures or not fills:
        return None
    return View(
        models=tuple(models), data=data, measures=measures, cut=cut, fills=tuple(fills), filter=edge, limit=limit,
        number=number,
    )  # fmt: skip


def _keep_known(key: str, known: tuple[str, ...], first: list[str]) -> list[str]:
    """What was chosen before, as far as this data set allows it; `first` where nothing is left."""
    state = st.session_state
    kept = [each for each in state.get(key, first) if each in known] or first or [known[0]]
    if key in state:
        state[key] = kept
    return kept
