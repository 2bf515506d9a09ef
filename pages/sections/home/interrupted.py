"""What a server that was stopped in the middle of something did not finish, with a link to go on with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st
from pydantic import ValidationError

from engine.core.address import Address
from engine.core.errors import BadRequest
from engine.core.experiments import find, parse_request
from pages.common import errors, query
from pages.common.experiments import single
from pages.common.experiments.places import SCRIPTS
from pages.common.units.view import View
from pages.sections.home import gallery

if TYPE_CHECKING:
    from engine.core.request import Request
    from engine.visualization.request import VisualizeRequest

SHOWN = 5


@dataclass(frozen=True)
class Unfinished:
    """One interrupted request: what it is called, and the page and the parameters that ask for just the same again."""

    label: str
    script: str
    link: dict[str, str]


def draw() -> None:
    """A quiet list; nothing where nothing was interrupted."""
    from engine.jobs.scheduler import jobs

    listed = [(key, told) for key, facts in jobs().interrupted().items() if (told := unfinished(facts)) is not None]
    if not listed:
        return
    with st.container(border=True):
        st.markdown(":material/history: Not finished when Vitrine was stopped. Nothing that was finished is lost.")
        for key, told in listed[-SHOWN:]:
            _line(key, told)
        if len(listed) > SHOWN:
            st.caption(f"and {len(listed) - SHOWN} more")
        if len(listed) > 1:
            st.button(
                "Dismiss all",
                key="forget",
                type="tertiary",
                icon=":material/clear_all:",
                on_click=jobs().forget_interrupted,
            )


def _line(key: str, told: Unfinished) -> None:
    """One request: the link that goes on with it, and a way to be rid of it."""
    from engine.jobs.scheduler import jobs

    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.page_link(
            told.script,
            label=errors.code(told.label),
            icon=":material/replay:",
            query_params=told.link,
            width="content",
        )
        st.button(
            "",
            key=f"forget-{key}",
            type="tertiary",
            icon=":material/close:",
            help="Dismiss this one",
            on_click=jobs().forget_interrupted,
            args=(key,),
        )


def unfinished(facts: dict[str, Any]) -> Unfinished | None:
    """An interrupted request (its canonical JSON, read) as a line of the list; None for one of another version of Vitrine,
    and for what the gallery goes on with by itself."""
    try:
        request = parse_request(facts)
    except BadRequest:
        return None
    if (view := view_of(request)) is not None:
        shown = Unfinished(str(view.a), SCRIPTS["visualize"], query.write(view))
        return None if gallery.shows(view) else shown
    if gallery.indexes(request):
        return None
    entry = find(request.experiment)
    return Unfinished(f"{entry.title}: {_what(request)}", SCRIPTS[entry.page], single.link(request))


def _what(request: Request) -> str:
    """What a request is about, in a few words."""
    given = dict(request)
    where = [str(given[name]) for name in ("model", "reader") if given.get(name)][:1]
    if where and given.get("site"):
        where = [f"{where[0]}@{given['site']}"]
    return " · ".join([*where, *(str(given[name]) for name in ("text", "wanted", "data") if given.get(name))])


def _recipe(asked: VisualizeRequest) -> dict[str, str]:
    """A request's recipe as a view has it: a named one, and what is changed of it."""
    from engine.visualization.tuning import changes, nearest

    if isinstance(asked.recipe, str):
        return {"recipe": asked.recipe}
    base = nearest(asked.recipe)
    return {"recipe": base.name, "tuned": changes(base, asked.recipe)}


def view_of(request: Request) -> View | None:
    """The view of the feature visualization page that asks for just this request; None where no view does by itself: other
    experiments, recipes of comparisons alone, data sets that pages do not open."""
    from engine.data.registry import dataset_names
    from engine.visualization.request import VisualizeRequest

    if not isinstance(request, VisualizeRequest) or request.data not in dataset_names():
        return None
    given: dict[str, Any] = {**dict(request), **_recipe(request)}
    address = Address(request.model, request.site, request.units, request.targets)
    try:
        return View(a=address, **{name: given[name] for name in View.model_fields if name in given})
    except ValidationError:
        return None
