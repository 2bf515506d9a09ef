"""The controls of the spatial probe: one line of models, an image, a unit and Run; whose images and an upload with the image."""

from __future__ import annotations

import streamlit as st

from engine.core.choices import DEFAULT_DATA
from engine.core.errors import VitrineError
from engine.data.uploads import UPLOADED
from engine.data.uploads import image as kept_image
from pages.common import colours, errors, results, widgets, words
from pages.common.experiment_page import ExperimentPage
from pages.common.units.uploads import image_box, keep_image
from pages.sections.spatial.view import SpatialView

LINE = [2.4, 2.4, 2.2, 1.3, 1.1]
NEIGHBOURS = 4
PREVIEW, SMALL = 224, 96


def draw(page: ExperimentPage[SpatialView]) -> None:
    """Draw the widgets; a click on Run shows what they say."""
    first, second, third, fourth, last = st.columns(LINE, vertical_alignment="bottom", gap="small")
    with first:
        a = _model(page, "a")
    with second:
        b = _model(page, "b")
    with third:
        data, image = _image(page)
    with fourth:
        unit = widgets.number("Unit", _start(page, "unit", 0), 0, most=99_999, least=0)
    with last:
        run = st.button(
            "Run", type="primary", icon=":material/play_arrow:", key=page.key("run"), disabled=not a, width="stretch"
        )
    widgets.say_how_model_is_read(a, b)
    widgets.say_how_data_is_read(data)
    with errors.shown():
        if a:
            view = SpatialView(a=a[:200], b=b[:200] if b else None, data=data, image=image[:80], unit=unit)
            page.tell_choice(view)
            if run:
                page.show(view, compute=True)


def _image(page: ExperimentPage[SpatialView]) -> tuple[str, str]:
    """A button that says which image is followed, and opens the choice of another: (data set, image)."""
    key = _start(page, "image", "0")
    shown = str(st.session_state[key] or "0")
    with st.popover(f"Image {shown[:12]}", icon=":material/image:", width="stretch"):
        data = _data(page)
        image = st.text_input(
            "Image",
            key=key,
            help="The number of an image of this data set, unless you upload one below.",
            **widgets.KEEP,
        )
        given = image_box("Or upload an image", page.key("file"))
        with errors.shown():
            if given is not None:
                digest = keep_image(given.getvalue(), given.name)
                image = UPLOADED + digest
                # As it is kept: not every browser shows what can be read here.
                st.image(kept_image(digest), width=PREVIEW, output_format="PNG", alt="Your image")
                st.caption(f"Your image is stored on this server as `{image}`.")
            else:
                _preview(page, data, image or "0")
    return data, image or "0"


def _preview(page: ExperimentPage[SpatialView], data: str, image: str) -> None:
    """The image as it is, and those that follow it, each to be taken instead."""
    if not image.isdecimal():
        return
    opened, number = results.dataset(data), int(image)
    if number >= len(opened):
        st.caption(f"“{errors.escape(data)}” has {len(opened)} images: 0 to {len(opened) - 1}.")
        return
    said = words.scene(opened.describe(number))
    st.image(
        results.image(data, number, (PREVIEW, PREVIEW)),
        width=PREVIEW,
        output_format="PNG",
        alt=f"Image {image}: {said}",
    )
    st.caption(f"Image {image}: {errors.escape(said)}")

    def take(other: int) -> None:
        st.session_state[page.key("image")] = str(other)

    nearby = [other for other in range(number + 1, number + 1 + NEIGHBOURS) if other < len(opened)]
    for column, other in zip(st.columns(NEIGHBOURS), nearby, strict=False):
        with column:
            try:
                picture = results.image(data, other, (SMALL, SMALL))
            except VitrineError:  # it is said when it is taken
                continue
            alt = f"Image {other}: {words.scene(opened.describe(other))}"
            st.image(picture, width="stretch", output_format="PNG", alt=alt)
            st.button(
                str(other), key=page.key(f"take_{other}"), on_click=take, args=(other,), help=f"Take image {other}"
            )


def _model(page: ExperimentPage[SpatialView], side: colours.Side) -> str | None:
    names = ([] if side == "a" else [widgets.NONE]) + widgets.available_models()
    key = _start(page, side, widgets.FIRST[side] if widgets.FIRST[side] in names else names[0])
    if st.session_state[key] is None:  # a link that names one model
        st.session_state[key] = widgets.NONE
    model = st.selectbox(
        f"Model {side.upper()}",
        widgets.including(names, st.session_state[key]),
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
