"""Choosing what the concept browser looks into: one or two models, the reader that knows words, images and vocabulary."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.core.choices import DEFAULT_DATA, DEFAULT_MODELS, DEFAULT_READER, DEFAULT_VOCABULARY, MEASURES
from engine.core.errors import VitrineError
from pages.common import colours, errors, widgets
from pages.common.experiment_page import ExperimentPage
from pages.common.units.uploads import file_box, keep_words
from pages.sections.concepts import search
from pages.sections.concepts.view import WITH_OWN, WITH_TEXT, WITHOUT_READER, ConceptsView, roles_of

CLIP, TWIN = DEFAULT_READER, DEFAULT_MODELS[0]
USUAL = "usual"
ABOUT_MEASURES = (
    "Similarity between a unit and a word over the images. **soft-wpmi**: that of CLIP-Dissect, based on the unit's "
    "strongest images. **correlation**: over all images equally. **cos-cubed**: emphasizes large values."
)
EXAMPLES = ("vehicle", "music", "flower", "a bird in the snow", "the sea at night")
KEPT = ("a", "b", "reader", "data", "vocabulary", "measure", "template", "role")
"""The fields of a view that the setup decides."""


def readers() -> list[str]:
    """The models that are here and read words."""
    from engine.models import catalog

    return [e.name for e in catalog.entries() if e.available and catalog.reads_texts(e)]


def first(here: list[str]) -> dict[str, str]:
    """What the widgets begin with, given the readers that are here: the starter's CLIP beside its label-trained counterpart;
    without it, the starter's pair."""
    if CLIP in here:
        return {"a": CLIP, "b": TWIN, "reader": CLIP}
    return {**widgets.FIRST, "reader": here[0] if here else CLIP}


def chosen(page: ExperimentPage[ConceptsView]) -> dict[str, Any]:
    """What the setup's widgets say, whether they are drawn or not."""
    state, fields = st.session_state, ConceptsView.model_fields
    given = {name: state.get(page.key(name)) for name in KEPT}
    given = {name: value for name, value in given.items() if value not in (None, widgets.NONE, USUAL)}
    begin = first(readers())
    if page.key("b") in state:  # which may say that there is none
        del begin["b"]
    return {
        **begin,
        **{name: value[: _longest(fields[name])] for name, value in given.items()},
    }


def draw(page: ExperimentPage[ConceptsView]) -> None:
    """One line: the text where it is searched for, the models, and Run; examples below, all else under Advanced. Shows what is
    asked for."""
    view, models, state = page.shown(), widgets.available_models(), st.session_state
    begin = first(readers())
    searching = view is None or view.show in WITH_TEXT
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if searching:
            _box(page)
        _model(page, "a", models, begin["a"])
        _model(page, "b", [widgets.NONE, *models], begin["b"])
        run = st.button("Run", type="primary", icon=":material/play_arrow:", key=page.key("run"))
    if view is None or page.is_example():
        _examples(page)
    with page.advanced():
        _advanced(page, begin)
    with errors.shown():
        if state.pop(page.key("asked"), False):
            ask(page, search=True)
        elif run and (view is None or view.show not in WITH_OWN):  # which read their own controls, below (see `runs`)
            ask(page, search=view is None)
        elif state.pop(page.key("turned"), False):
            turned(page)
        elif view is not None:
            page.tell_choice(asked(page), KEPT)


def ask(page: ExperimentPage[ConceptsView], search: bool) -> None:
    """Show what the controls say, and compute it; `search` for the text, whatever is looked at. Raises VitrineError where that
    cannot be."""
    from engine.concepts.words import check_text

    view = asked(page)
    if not readers() and search:
        view = view.model_copy(update={"show": "purity"})
    elif search or view.show in WITH_TEXT:
        show = view.show if view.show in WITH_TEXT else "search"
        text = check_text(st.session_state.get(page.key("text")) or "")
        view = view.model_copy(update={"text": text, "show": show})
    begin(page, view)


def begin(page: ExperimentPage[ConceptsView], view: ConceptsView) -> None:
    """Show this view, and compute it. Raises VitrineError where something that it reads is not there."""
    from engine.concepts.words import reader_of

    if view.show not in WITHOUT_READER:
        reader_of(view.reader)
    for request in page.requests(view):
        request.key()
    st.session_state[page.key("fresh")] = True
    page.show(view, compute=True)


def runs(page: ExperimentPage[ConceptsView], name: str) -> bool:
    """The Run of a section's own controls, and whether it was pressed, or the one on top, which does the same."""
    below = st.button("Run", icon=":material/play_arrow:", key=page.key(name))
    return below or bool(st.session_state.get(page.key("run")))


def turned(page: ExperimentPage[ConceptsView]) -> None:
    """Another model was chosen: a search that takes a second runs by itself; what takes longer waits for Run."""
    view = asked(page)
    if view.show == "search" and view.text and search.quick(view):
        page.show(view, compute=True)


def asked(page: ExperimentPage[ConceptsView]) -> ConceptsView:
    """What is looked at, of what the controls say."""
    shown = page.shown()
    kept = shown.model_dump(exclude={*KEPT}) if shown else {}
    return ConceptsView(**{**kept, **chosen(page)})


def _box(page: ExperimentPage[ConceptsView]) -> None:
    st.text_input(
        "Find units by text",
        key=page.key("text"),
        placeholder="a word or a sentence",
        icon=":material/search:",
        on_change=_ask,
        args=(page, "asked"),
    )


def _examples(page: ExperimentPage[ConceptsView]) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption("For example", width="content")
        st.pills(
            "Examples", EXAMPLES, key=page.key("example"), on_change=_take, args=(page,), label_visibility="collapsed"
        )


def _ask(page: ExperimentPage[ConceptsView], name: str) -> None:
    st.session_state[page.key(name)] = True


def _take(page: ExperimentPage[ConceptsView]) -> None:
    state = st.session_state
    state[page.key("text")], state[page.key("example")] = state[page.key("example")], None
    _ask(page, "asked")


def _advanced(page: ExperimentPage[ConceptsView], begin: dict[str, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        _reader(page, readers(), begin["reader"])
        _data(page)
        _vocabulary(page)
    said = chosen(page)
    widgets.say_how_model_is_read(said["a"], said.get("b"), said["reader"])
    widgets.say_how_data_is_read(said["data"])
    _details(page)


def _model(page: ExperimentPage[ConceptsView], side: colours.Side, names: list[str], begin: str) -> None:
    key = _start(page, side, begin)
    if st.session_state[key] is None:  # a link that names one model
        st.session_state[key] = widgets.NONE
    st.selectbox(
        f"Model {side.upper()}",
        widgets.including(names, st.session_state[key]),
        key=key,
        accept_new_options=True,
        on_change=_ask,
        args=(page, "turned"),
        width=210,
        help="The model whose units are examined; it need not be a CLIP. Type a name to use another one, like "
        "timm/vit_base_patch16_224.augreg2_in21k_ft_in1k.",
        **widgets.KEEP,
    )


def _reader(page: ExperimentPage[ConceptsView], names: list[str], begin: str) -> None:
    key = _start(page, "reader", begin)
    st.selectbox(
        "CLIP for text",
        widgets.including(names, st.session_state[key]),
        key=key,
        accept_new_options=True,
        help="The CLIP that rates how well words fit images, like open_clip/ViT-B-16/openai; it need not be one of the "
        "models examined.",
        **widgets.KEEP,
    )


def _data(page: ExperimentPage[ConceptsView]) -> None:
    from engine.data.registry import dataset_names

    names, key = dataset_names(), _start(page, "data", DEFAULT_DATA)
    if st.session_state[key] not in names:
        st.session_state[key] = names[0]
    st.selectbox(
        "Images from",
        names,
        key=key,
        help="The images on which units and words are compared. Add your own folders in vitrine.toml.",
        **widgets.KEEP,
    )


def _vocabulary(page: ExperimentPage[ConceptsView]) -> None:
    from engine.concepts.vocabulary import vocabulary_names

    key = _start(page, "vocabulary", DEFAULT_VOCABULARY)
    st.selectbox(
        "Vocabulary",
        widgets.including(vocabulary_names(), st.session_state[key]),
        key=key,
        help="The words used as labels. Search accepts any text, also outside the vocabulary.",
        **widgets.KEEP,
    )


def _details(page: ExperimentPage[ConceptsView]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.segmented_control(
            "Measure", MEASURES, key=_start(page, "measure", MEASURES[0]), required=True, help=ABOUT_MEASURES,
            **widgets.KEEP,
        )  # fmt: skip
        with st.container(width=300):
            st.text_input(
                "Prompt template",
                key=_start(page, "template", ConceptsView.model_fields["template"].default),
                help="CLIPs are trained on captions rather than single words. `{}` is replaced by the word.",
                **widgets.KEEP,
            )
        _role(page)
    given = file_box(
        "Upload a vocabulary (text with one word or phrase per line, or CSV; at most 50,000 words)",
        type=["txt", "csv"],
        key=page.key("words"),
    )
    if given is not None:
        with errors.shown():
            name = f"voc-{keep_words(given.getvalue(), given.name)}"
            st.caption(f"Stored on this server as `{name}`.")
            st.button("Use this list", icon=":material/check:", key=page.key("use"), on_click=_use, args=(page, name))


def _role(page: ExperimentPage[ConceptsView]) -> None:
    key = _start(page, "role", USUAL)
    try:
        known = roles_of(chosen(page)["a"])
    except VitrineError:
        known = []  # said when it is run
    if st.session_state[key] not in known:
        st.session_state[key] = USUAL
    st.selectbox(
        "Role of the sites",
        [USUAL, *known],
        key=key,
        help="Default: the hidden features of a transformer's MLPs, or the block outputs of a CNN. A second model without "
        "such sites uses its default.",
        **widgets.KEEP,
    )


def _use(page: ExperimentPage[ConceptsView], name: str) -> None:
    st.session_state[page.key("vocabulary")] = name


def _start(page: ExperimentPage[ConceptsView], name: str, value: object) -> str:
    """The key of a widget, which begins at this value."""
    st.session_state.setdefault(page.key(name), value)
    if st.session_state[page.key(name)] == "":
        st.session_state[page.key(name)] = value
    return page.key(name)


def synced(page: ExperimentPage[ConceptsView], name: str, value: str) -> str:
    """The key of a section's own widget, which shows this value of the view whenever that has changed."""
    state, key = st.session_state, page.key(f"{name}_at")
    if state.get(page.key(f"{name}_from")) != value or key not in state:
        state[key] = state[page.key(f"{name}_from")] = value
    return key


def _longest(field: Any) -> int:
    """The most letters that a text field of a view takes."""
    return next((rule.max_length for rule in field.metadata if hasattr(rule, "max_length")), 2000)
