"""Choosing what the spatial probe looks at: one or two models, the data, an image of it or one's own, and a unit."""

from __future__ import annotations

import streamlit as st

from engine.core.choices import DEFAULT_DATA
from pages.common import colours, errors, results, widgets, words
from pages.common.experiment_page import ExperimentPage
from pages.sections.spatial.view import SpatialView


def draw(page: ExperimentPage[SpatialView]) -> None:
    """Draw the widgets; a click on Run shows what they say."""
    left, right = st.columns(2, gap="large")
    with left:
        a = _model(page, "a")
    with right:
        b = _model(page, "b")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        data = _data(page)
        image = st.text_input(
            "Image",
            key=_start(page, "image", "0"),
            help="The number of an image of this data set, unless you upload one below.",
            **widgets.KEEP,
        )
        unit = widgets.number("Unit", _start(page, "unit", 0), 0, most=99_999, least=0)
    widgets.say_how_model_is_read(a, b)
    widgets.say_how_data_is_read(data)
    given = st.file_uploader(
        "Or upload an image (PNG, JPEG or WebP; at most 20 MB and 40 megapixels)",
        type=["png", "jpg", "jpeg", "webp"],
        key=page.key("file"),
    )
    run = st.button("Run", type="primary", icon=":material/play_arrow:", key=page.key("run"), disabled=not a)
    st.caption(
        "Evaluates both models on the whole data set and follows one image through them. The starter models take a few "
        "minutes on a laptop; results are cached."
    )
    with errors.shown():
        from engine.data import uploads

        if given is not None:
            image = uploads.UPLOADED + uploads.keep_image(given.getvalue(), given.name)
            st.caption(f"Your image is stored on this server as `{image}`.")
        elif (
            not uploads.is_upload(image or "") and (image or "").isdecimal() and int(image) < len(results.dataset(data))
        ):
            st.caption(f"Image {image}: {errors.escape(words.scene(results.dataset(data).describe(int(image))))}")
        if run and a:
            view = SpatialView(a=a[:200], b=b[:200] if b else None, data=data, image=(image or "0")[:80], unit=unit)
            for request in page.requests(view):
                request.key()
            page.show(view, compute=True)


def _model(page: ExperimentPage[SpatialView], side: colours.Side) -> str | None:
    names = ([] if side == "a" else [widgets.NONE]) + widgets.available_models()
    key = _start(page, side, widgets.FIRST[side] if widgets.FIRST[side] in names else names[0])
    if st.session_state[key] is None:  # a link that names one model
        st.session_state[key] = widgets.NONE
    chosen = st.session_state[key]
    model = st.selectbox(
        f":{colours.NAMES[side]}[**Model {side.upper()}**]",
        names if chosen in names else [*names, chosen],
        key=key,
        accept_new_options=True,
        help="Type the name of any timm model with pretrained weights, like timm/deit_tiny_patch16_224.fb_in1k.",
        **widgets.KEEP,
    )
    return None if not model or model == widgets.NONE else model


def _data(page: ExperimentPage[SpatialView]) -> str:
    from engine.data.registry import dataset_names

    names, key = dataset_names(), _start(page, "data", DEFAULT_DATA)
    if st.session_state[key] not in names:
        st.session_state[key] = names[0]
    return st.selectbox("Images from", names, key=key, help="Add your own folders in vitrine.toml.", **widgets.KEEP)


def _start(page: ExperimentPage[SpatialView], name: str, value: object) -> str:
    """The key of a widget, which begins at this value."""
    st.session_state.setdefault(page.key(name), value)
    return page.key(name)
