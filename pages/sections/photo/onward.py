"""From a photo into the other pages, and what can still be made for it: comparisons, and pictures of its units."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from engine.core.address import Address
from engine.core.choices import DEFAULT_DATA
from engine.core.config import settings
from engine.core.errors import BadRequest
from engine.core.request import Request, Result
from engine.data.uploads import is_upload
from pages.common import errors, job_panel, query, results, who
from pages.common.batch import Batch
from pages.common.experiments.places import SCRIPTS
from pages.common.units.rows import index_request, request
from pages.common.units.view import View
from pages.sections.photo import known, layers
from pages.sections.photo.view import PhotoView

MORE = "ph_more"
"""The session's key of what was asked for below the photo."""
LABELS = "a photo of a person|a photo of an animal|a photo of food|a photo of a building|a photo of a landscape"


def further(view: PhotoView, computed: Mapping[str, Result]) -> None:
    """Buttons for what is not there yet, and the progress of what is on its way."""
    there = known.looked(view, computed)
    if len(there) < len(view.sides):
        return
    state, shown = st.session_state, (view.a, view.b, view.data)
    missing = [each for side, photo in there.items() if (each := _index(view, view.sides[side], photo)) is not None]
    # Once for each pair of models: what was cancelled or failed is not asked for again by itself.
    if missing and known.is_small(view.data) and state.get(f"{MORE}_for") != shown:
        state[f"{MORE}_for"], state[MORE] = shown, Batch.of(missing, who.person())
    names = {each.key(): f"The images of “{errors.escape(view.data)}”, for comparison" for each in missing}
    with st.container(horizontal=True, vertical_alignment="center"):
        if missing and not _on_its_way(missing):
            count = len(results.dataset(view.data))
            label = f"Run: compare with the {count:,} images of “{view.data}”"
            if st.button(label, icon=":material/stacked_bar_chart:", key="ph_compare"):
                state[MORE] = Batch.of(missing, who.person())
        pictures = _pictures(view, there)
        if pictures and not _on_its_way(pictures):
            label = f"Run: make pictures of these units (about {2 * len(pictures) * layers.UNITS} s)"
            if st.button(label, icon=":material/brush:", key="ph_pictures"):
                state[MORE] = Batch.of(pictures, who.person())
    names |= {each.key(): "Pictures of the units" for each in pictures}
    if (batch := state.get(MORE)) is not None:
        mine = {key: name for key, name in names.items() if key in batch.requests}
        job_panel.draw(batch, mine, "photo-more")


def _index(view: PhotoView, model: str, photo: Result) -> Request | None:
    """The request that indexes the layers of a model, where they are compared with nothing yet. One brings all of a role."""
    deepest = known.sites(photo)[-1]
    return None if known.index_of(model, deepest, view.data) else index_request(Address(model, deepest, ()), view.data)


def _pictures(view: PhotoView, there: Mapping) -> list[Request]:
    """A request a layer for the pictures of its units, where one of them is not there."""
    asked: list[Request] = []
    for side, photo in there.items():
        model = view.sides[side]
        for number, site in enumerate(known.sites(photo)):
            index = known.index_of(model, site, view.data)
            if index is None:  # pictures are scored against images, and which units they are of changes with the index
                continue
            units = known.strongest(photo.key, number, index[0], settings().few(layers.UNITS))["unit"].tolist()
            if None in known.pictures(model, site, units):
                address = Address(model, site, tuple(units))
                asked.append(request(View(a=address, data=index[1]), address))
    return asked


def _on_its_way(requests: list[Request]) -> bool:
    from engine.jobs.scheduler import jobs

    batch = st.session_state.get(MORE)
    return batch is not None and bool(batch.coming(jobs()) & {each.key() for each in requests})


def links(view: PhotoView, computed: Mapping[str, Result]) -> None:
    """The same photo on the other pages."""
    st.header("Look closer", anchor=False)
    own = is_upload(view.image)
    data = {} if view.data == DEFAULT_DATA else {"data": view.data}
    photo = computed.get("photo-a")
    tops = layers.top_units(photo, view, "a") if photo is not None else None
    unit = {} if tops is None else {"unit": str(tops.iloc[-1])}
    both = {"a": view.a} | ({"b": view.b} if view.b else {})
    with st.container(horizontal=True, gap="medium"):
        st.page_link(
            SCRIPTS["spatial"],
            label="Where each block looks",
            icon=":material/grid_on:",
            query_params={**both, **data, "image": view.image, **unit},
        )
        if tops is not None:
            address = Address(view.a, str(tops.index[-1]), (), (f"match:{view.image}",))
            st.page_link(
                SCRIPTS["visualize"],
                label="What the last layer keeps of it",
                icon=":material/replay:",
                query_params=query.write(View(a=address, data=view.data)),
            )
        st.page_link(
            SCRIPTS["concepts"],
            label="Ask with words of my own",
            icon=":material/translate:",
            query_params={"a": view.reader, "show": "zero-shot", "image": view.image, "labels": LABELS, **data},
        )
        if (asked := _compared(view, computed)) is not None:
            whole = asked["models"] == ",".join(view.sides.values())
            st.page_link(
                SCRIPTS["reliance"],
                label=f"Background or object, for {'these models' if whole else errors.escape(asked['models'])}",
                icon=":material/texture:",
                query_params=asked,
            )
    if not own:
        _neighbours(view)


def _compared(view: PhotoView, computed: Mapping[str, Result]) -> dict[str, str] | None:
    """The address of the page that compares those of the models that answer with classes, on the images of the view; None where
    that cannot be."""
    from engine.core.experiments import find
    from engine.evaluation.applies import lacking_of_data
    from engine.evaluation.class_matching import check_comparable
    from engine.evaluation.samples import best_cut, saliency_is_here

    there = {model: computed.get(f"photo-{side}") for side, model in view.sides.items()}
    models = [model for model, photo in there.items() if photo is not None and not photo.tables["answers"].empty]
    if not models or lacking_of_data(find("background"), view.data):
        return None
    cut = best_cut(results.dataset(view.data))
    try:
        check_comparable(models, view.data)
    except BadRequest:
        return None
    if cut == "saliency" and not saliency_is_here():
        return None
    return {"models": ",".join(models), "data": view.data, "cut": cut}


def _neighbours(view: PhotoView) -> None:
    """The images before and after, of a data set."""
    number, count = int(view.image), len(results.dataset(view.data))
    with st.container(horizontal=True, gap="medium"):
        for step, label, icon in ((-1, "Image before", "arrow_back"), (1, "Image after", "arrow_forward")):
            if 0 <= number + step < count:
                there = view.model_copy(update={"image": str(number + step)})
                st.page_link(SCRIPTS["photo"], label=label, icon=f":material/{icon}:", query_params=query.write(there))
