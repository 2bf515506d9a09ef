"""What a server that was stopped in the middle of something did not finish, with a link to go on with it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import streamlit as st

from engine.core.address import Address
from engine.core.errors import BadRequest
from pages.common import errors
from pages.sections.home import gallery
from pages.sections.visualize import permalink
from pages.sections.visualize.view import View
from pages.sections.visualize.wall import PAGE

if TYPE_CHECKING:
    from engine.visualization.request import VisualizeRequest

SHOWN = 5


def draw() -> None:
    """A quiet list; nothing where nothing was interrupted."""
    from engine.jobs.scheduler import jobs

    views = [view_of(facts) for facts in jobs().interrupted()]
    found = [view for view in views if view is not None and not gallery.shows(view)]
    if not found:
        return
    with st.container(border=True):
        st.markdown(":material/history: Interrupted when Vitrine was stopped. Finished parts are kept.")
        for view in found[-SHOWN:]:
            st.page_link(
                PAGE, label=errors.code(str(view.a)), icon=":material/replay:", query_params=permalink.write(view)
            )
        if len(found) > SHOWN:
            st.caption(f"and {len(found) - SHOWN} more")
        if st.button("Discard these", key="forget", type="tertiary", icon=":material/close:"):
            jobs().forget_interrupted()
            st.rerun()


def _recipe(asked: VisualizeRequest) -> dict[str, str]:
    """A request's recipe as a view has it: a named one, and what is changed of it."""
    from engine.visualization.tuning import changes, nearest

    if isinstance(asked.recipe, str):
        return {"recipe": asked.recipe}
    base = nearest(asked.recipe)
    return {"recipe": base.name, "tuned": changes(base, asked.recipe)}


def view_of(facts: dict[str, Any]) -> View | None:
    """The view that asks for just what a request (its canonical JSON, read) asked for; None where no view does by itself:
    other experiments, recipes of comparisons alone, data sets that pages do not open."""
    from engine.core.request import build
    from engine.data.registry import dataset_names
    from engine.visualization.request import VisualizeRequest

    if facts.get("experiment") != "visualize" or facts.get("data") not in dataset_names():
        return None
    try:
        asked = build(
            VisualizeRequest, **{name: facts[name] for name in facts if name not in ("experiment", "version")}
        )
    except BadRequest:  # of another version of Vitrine
        return None
    given: dict[str, Any] = {**asked.model_dump(), **_recipe(asked)}
    address = Address(*(given.get(field.name, ()) for field in fields(Address)))
    view = View(address, **{field.name: given[field.name] for field in fields(View) if field.name in given})
    return view if view.recipe in permalink.recipes() else None
