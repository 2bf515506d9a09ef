"""Choosing what the claims are held against: one of the pairs that come with Vitrine, or models and images of one's own."""

from __future__ import annotations

import streamlit as st

from engine.core.errors import BadRequest
from pages.common import errors, widgets
from pages.common.experiment_page import ExperimentPage
from pages.sections.claims import offers
from pages.sections.claims.view import OWN, ClaimsView, pair_of, pairs

PREFIX = "cl"
NO_CLIP = "No CLIP"
FIELDS = ("a", "b", "clip", "data")
NONE = {"b": widgets.NONE, "clip": NO_CLIP}


def fill(view: ClaimsView) -> None:
    """Put a view into the widgets, before they are drawn."""
    _fill(view)
    st.session_state[f"{PREFIX}_pair"] = pair_of(view)


def _fill(view: ClaimsView) -> None:
    for name in FIELDS:
        st.session_state[f"{PREFIX}_{name}"] = getattr(view, name) or NONE[name]


def draw(page: ExperimentPage[ClaimsView]) -> None:
    """The pairs, and one line of controls; a click on Run shows what they say."""
    known = pairs()
    chosen = st.segmented_control(
        "Models",
        [*known, OWN],
        key=page.key("pair"),
        required=True,
        label_visibility="collapsed",
        **widgets.KEEP,
    )
    shown = page.shown()
    if chosen in known:
        if shown is None or known[chosen].subject != shown.subject:
            _take(page, known[chosen])
        else:
            _fill(known[chosen])  # another choice of models that was never run is given up
    line = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with line:
        a = _model(page, "a", "Model A", [])
        b = _model(page, "b", "Model B", [widgets.NONE])
        clip = _model(page, "clip", "CLIP", [NO_CLIP])
        data = _data(page)
        run = st.button("Run", type="primary", icon=":material/play_arrow:", key=page.key("run"), disabled=not a)
    with errors.shown():
        if a:
            view = ClaimsView(a=a, b=b, clip=clip, data=data)
            page.tell_choice(view)
            if run:
                page.show(view, compute=True)
            if shown is None or shown.subject != view.subject:
                with line:
                    offers.before_run(view)


def _take(page: ExperimentPage[ClaimsView], view: ClaimsView) -> None:
    """Show one of the pairs. Its models and images are chosen in widgets below, which can be filled before they are drawn."""
    with errors.shown():
        if (refused := page.refusal(view)) is not None:
            raise BadRequest(refused)
        _fill(view)
        page.show(view, compute=False)


def _own(page: ExperimentPage[ClaimsView]) -> None:
    st.session_state[page.key("pair")] = OWN


def _model(page: ExperimentPage[ClaimsView], name: str, label: str, before: list[str]) -> str | None:
    names = before + widgets.available_models()
    chosen = st.session_state.setdefault(page.key(name), names[0])
    value = st.selectbox(
        label,
        widgets.including(names, chosen),
        key=page.key(name),
        accept_new_options=True,
        on_change=_own,
        args=(page,),
        width=165,
        **widgets.KEEP,
    )
    return None if not value or value in NONE.values() else value[:200]


def _data(page: ExperimentPage[ClaimsView]) -> str:
    from engine.data.registry import dataset_names

    names = dataset_names()
    if st.session_state.get(page.key("data")) not in names:
        st.session_state[page.key("data")] = names[0]
    return st.selectbox("Images", names, key=page.key("data"), on_change=_own, args=(page,), width=110, **widgets.KEEP)
