"""The form of a new sweep on the page "Models": what is made of which layers of which models, what that comes to, and Start."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.core.choices import DEFAULT_DATA, DEFAULT_RECIPE, SWEPT, USUAL_ROLES
from engine.core.errors import BadRequest
from pages.common import errors, who, widgets
from pages.common.units.pace import A_PASS, A_SCORE

if TYPE_CHECKING:
    from engine.sweeps.cost import Cost
    from engine.sweeps.plan import Plan
    from engine.sweeps.request import SweepRequest

PICTURES = SWEPT[0]
STARTED = "sweep_started"
"""Where it stands what the sweep comes to that was started last, until it is shown."""


def draw() -> None:
    """The form, and what was asked of it."""
    with st.expander("New sweep", icon=":material/add:"):
        what = _what()
        with st.form("sweep", border=False):
            left, right = st.columns(2)
            models = left.multiselect("Models", widgets.available_models(), key="sweep_models")
            sites = right.text_input(
                "Layers",
                " ".join(USUAL_ROLES),
                key="sweep_sites",
                help="Names of layers, roles (`mlp.hidden`: all of them) or patterns (`blocks.[0-5].*`), with spaces between.",
            )
            with st.expander("Advanced", icon=":material/tune:"):
                more = _advanced(what)
            with st.container(horizontal=True):
                looks = st.form_submit_button("What does it come to?", icon=":material/calculate:")
                starts = st.form_submit_button("Run", icon=":material/play_arrow:", type="primary")
    if looks or starts:
        with errors.shown():
            _asked(_request(what, models, sites, more), starts)
    if told := st.session_state.pop(STARTED, None):
        st.success(f"Started. {told}", icon=":material/play_arrow:")


def _what() -> str:
    """Which experiment is carried out on each layer. It stands outside the form, since it decides what else is asked."""
    from engine.core.experiments import find

    found = {name: find(name) for name in SWEPT}
    return st.radio(
        "What is made of each layer",
        SWEPT,
        format_func=lambda name: found[name].title,
        captions=[errors.escape(each.about) for each in found.values()],
        key="sweep_what",
    )


def _advanced(what: str) -> dict[str, Any]:
    """All that most people leave alone, as fields of the sweep."""
    from engine.data.registry import dataset_names

    given: dict[str, Any] = {}
    fields: dict[str, Any] = {"given": given}
    left, right = st.columns(2, gap="large")
    with left:
        if what == PICTURES:
            given["recipe"] = widgets.recipes("sweep_recipe")
    with right:
        given["data"] = st.selectbox("Images", dataset_names(), key="sweep_data")
        if what == PICTURES:
            fields["units"] = st.text_input(
                "Units", "0-63", key="sweep_units", help="Of each layer, like 0-63; empty for all."
            )
            sample = st.number_input("At random, so many of them (0: all)", 0, 1 << 20, 0, key="sweep_sample")
            fields["sample"] = int(sample)
    for name, usual in (("recipe", DEFAULT_RECIPE), ("data", DEFAULT_DATA)):
        if given.get(name) == usual:  # what is usual is not written down: it is the same sweep on the command line
            del given[name]
    return fields


def _request(what: str, models: list[str], sites: str, more: dict[str, Any]) -> SweepRequest:
    from engine.core.request import build
    from engine.sweeps.request import SweepRequest

    if not models:
        raise BadRequest("Choose a model.")
    return build(SweepRequest, what=what, models=models, sites=sites.split() or USUAL_ROLES, **more)


def _asked(request: SweepRequest, starts: bool) -> None:
    from engine.jobs.scheduler import jobs
    from engine.sweeps import running, state
    from engine.sweeps.cost import cost_of
    from engine.sweeps.plan import plan

    with st.spinner("Looking at its layers"):
        found = plan(request)
        cost = cost_of(found, measure=False)
    cost.refuse()
    told = _told(request, found, cost)
    if starts:
        person = who.person()
        running.refuse_too_many(request.id, person)  # before anything is written down
        running.start(state.begin(request, person.id), jobs(), person)
        st.session_state[STARTED] = told
        st.rerun()
    st.markdown(told)


def _told(request: SweepRequest, found: Plan, cost: Cost) -> str:
    """What a sweep comes to, as the command line says it; but the time of pictures is not measured, which would disturb those
    that are being made."""
    layers, parts = len({(part.model, part.site) for part in found.parts.values()}), len(found.parts)
    if found.pictures and found.missing:
        cost = replace(cost, seconds=_seconds(found, str(request.given.get("recipe", DEFAULT_RECIPE))))
    rest = f" {cost.told}" if found.missing else ""
    if not found.pictures:
        return f"**{layers} layers**, {len(found.there)} of which are there.{rest}"
    return f"**{found.pictures:,} pictures** of {layers} layers in {parts} parts; {found.pictures_there:,} are there.{rest}"


def _seconds(found: Plan, recipe: str) -> float:
    """How long the missing parts take, about, as the page of pictures says it."""
    from engine.models import catalog
    from engine.visualization.recipes import recipe_named

    passes, total = recipe_named(recipe).passes, 0.0
    for part in found.missing.values():
        _, height, width = catalog.find(part.model).input_size
        total += part.pictures * height * width * (passes * A_PASS + A_SCORE)
    return total
