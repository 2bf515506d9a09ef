"""In a photo: what two models answer to one image, what fires in them, and which words fit it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from engine.data.uploads import is_upload
from pages.common import errors, results, who, words
from pages.common.batch import Batch
from pages.common.experiment_page import Part, coming, flat_page
from pages.common.experiments import single
from pages.common.keeping import kinds
from pages.sections.photo import answers, known, layers, looks, onward, setup, sheet
from pages.sections.photo.view import EXPERIMENTS, PhotoView, example, parts, requests

PAGE = flat_page(
    "ph", PhotoView, requests, nothing="The link names no image. Write ?data=starter&image=3.", example=example
)


def show() -> None:
    """The page itself."""
    view = PAGE.opening(
        "In a photo",
        "What two models answer to a photo, which of their units fire on it and where, and which words a CLIP finds for it. "
        "Give one of your own, or choose an image of a data set.",
        setup.draw,
    )
    if view is not None:
        with errors.shown():
            _shown(view)


def _shown(view: PhotoView) -> None:
    photo, told = st.columns([1, 2.4], gap="large")
    with photo:  # at once, before anything is computed
        st.image(
            looks.preview(view.image, view.data),
            caption=errors.escape(_named(view)),
            width="stretch",
            output_format="PNG",
            alt=f"The photo: {_named(view)}",
        )
    asked = parts(view)
    keys = [part.request.key() for part in asked]
    keeps = partial(kinds.image, view.data, view.image, PAGE.write(view), keys)
    PAGE.bar(errors.escape(f"{' and '.join(view.sides.values())}"), asked, name="vitrine-photo", keeps=keeps)
    _start(asked)
    computed = PAGE.results(asked, "This photo has not been looked at on this machine yet. It takes a few seconds.")
    running = coming(PAGE.batch([part.request for part in asked]))
    awaited = {part.name for part in asked if part.request.key() in running}
    with told:
        answers.draw(view, computed, awaited)
    with layers.heading(view, computed):
        onward.further(view, computed)
    shown = layers.draw(view, computed, awaited)
    sheet.button(view, known.looked(view, computed), shown)
    answers.words_for(view, computed, awaited)
    onward.links(view, computed)


def _start(asked: Sequence[Part]) -> None:
    """A photo is looked at without a click, also from a link, and the example: it takes a second or two. What was cancelled is
    offered."""
    absent = [part.request for part in asked if results.find(part.request.key()) is None]
    if not who.person().is_at_least("member"):
        return
    if (
        absent and st.session_state.get(PAGE.key("batch")) is None
    ):  # also where somebody else's job is at one part of it
        st.session_state[PAGE.key("batch")] = Batch.of(absent, who.person())


def _named(view: PhotoView) -> str:
    if is_upload(view.image):
        return "Your photo"
    return f"Image {view.image} of {view.data}: {words.scene(results.dataset(view.data).describe(int(view.image)))}"


single.page("photo", show, EXPERIMENTS)
