"""Choosing what a photo is looked at with, or an image of a data set instead of a photo of one's own."""

from __future__ import annotations

import streamlit as st

from engine.core.choices import MAX_PHOTO_LAYERS
from pages.common import errors, widgets
from pages.common.experiment_page import ExperimentPage
from pages.common.units.uploads import LABEL, photo_box, photo_link
from pages.sections.photo.view import PhotoView, example


def draw(page: ExperimentPage[PhotoView]) -> None:
    """The box for a photo, and one line of choices; a photo shows at once, a choice when Run is pressed."""
    view = None if page.is_example() else page.shown()
    given = photo_box(page.key("file"), LABEL if view is None else "Another photo")
    if given is not None:
        chosen = PhotoView(**photo_link(given)) if view is None else view.model_copy(update={"image": given})
        page.fill(chosen)
        page.show(chosen, compute=True)
    _choices(page, view or example())


def _choices(page: ExperimentPage[PhotoView], now: PhotoView) -> None:
    from engine.data.registry import dataset_names

    for name in ("a", "b", "reader", "data", "image", "layers"):
        st.session_state.setdefault(page.key(name), getattr(now, name))
    first, second, third, fourth, last = st.columns([3, 3, 3, 2.4, 1.6], vertical_alignment="bottom")
    with first:
        a = _model(page, "a", "Model A")
    with second:
        b = _model(page, "b", "Model B")
    with third:
        data = _one_of(page, "data", "Images from", dataset_names(), "Units are compared with these images.")
    with fourth:
        image = st.text_input(
            "Image",
            key=page.key("image"),
            help="The number of an image of this data set, from 0; or the digest of an upload (up-...).",
            **widgets.KEEP,
        )
    with last:
        run = st.button("Run", type="primary", icon=":material/play_arrow:", key=page.key("run"), disabled=not a)
    with page.advanced():
        reader = _model(page, "reader", "CLIP for text")
        layers = st.slider(
            "Layers of each model",
            1,
            MAX_PHOTO_LAYERS,
            key=page.key("layers"),
            help="Evenly through its depth.",
            **widgets.KEEP,
        )
    widgets.say_how_model_is_read(a, None if b == widgets.NONE else b)
    if a:
        with errors.shown():
            chosen = _view(image or "0", a, "" if b == widgets.NONE else b, data, reader)
            chosen = chosen.model_copy(update={"layers": layers})
            page.tell_choice(chosen)
            if run:
                page.show(chosen, compute=True)


def _view(image: str, a: str, b: str, data: str, reader: str) -> PhotoView:
    """The view that the widgets say. Raises BadRequest for an image that cannot be one."""
    from pydantic import ValidationError

    from engine.core.errors import BadRequest

    try:
        return PhotoView(image=image.strip(), a=a[:200], b=b[:200], data=data, reader=reader[:200])
    except ValidationError:
        raise BadRequest(
            f"“{image[:40]}” is no image. Write the number of an image, or up- and the digest of an upload."
        ) from None


def _model(page: ExperimentPage[PhotoView], name: str, label: str) -> str:
    names = widgets.available_models()
    if name == "b":
        names = [widgets.NONE, *names]
        if not st.session_state[page.key(name)]:
            st.session_state[page.key(name)] = widgets.NONE
    return _one_of(page, name, label, names, "Type the name of any timm or open_clip model.", new=True) or ""


def _one_of(
    page: ExperimentPage[PhotoView], name: str, label: str, names: list[str], about: str, new: bool = False
) -> str:
    chosen = st.session_state[page.key(name)]
    if chosen not in names:
        names = widgets.including(names, chosen) if new else names
        st.session_state[page.key(name)] = chosen if new else names[0]
    return st.selectbox(label, names, key=page.key(name), help=about, accept_new_options=new, **widgets.KEEP) or ""
