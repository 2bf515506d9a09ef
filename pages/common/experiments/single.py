"""One experiment on its own: the form of its request, and its result. Any experiment of the registry can be shown so.

Its link is `?experiment=NAME` and the request's fields, on the page that the experiment belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from engine.core import experiments
from engine.core.errors import BadRequest, VitrineError
from engine.core.experiments import Experiment, Page
from engine.core.fields import fields_of
from pages.common import errors, query, results, serve
from pages.common.experiment_page import ExperimentPage, Part
from pages.common.experiments import drawings, form
from pages.common.experiments.places import SCRIPTS

if TYPE_CHECKING:
    from engine.core.request import Request

NAME = "experiment"
"""The parameter of the address that names an experiment."""
OFFER = "This is not computed on this machine yet. The link says exactly what to compute."


def link(request: Request) -> dict[str, str]:
    """The query parameters that show just this request, on the page of its experiment."""
    fields = query.write(request)
    if not fields:  # all as usual: one field says that there is a request
        first = next(iter(type(request).model_fields))
        fields = {first: query.as_text(getattr(request, first))}
    return {NAME: request.experiment, **fields}


def page(name: Page, show: Callable[[], None], own: Collection[str]) -> None:
    """A whole page: the experiment that the address names alone; where it names none what `show` draws, and links to
    those experiments of the page that are not its `own`."""
    if not draw():
        show()
        further(name, own)


def draw() -> bool:
    """Show the experiment that the address names. False where it names none."""
    name = st.query_params.get(NAME)
    if not name:
        return False
    with errors.shown():
        serve.ready()
        entry = experiments.find(name)
        _draw(entry, page_of(entry))
        st.page_link(SCRIPTS[entry.page], label="Back to the page", icon=":material/arrow_back:")
    return True


def further(page: Page, own: Collection[str]) -> None:
    """Links to the experiments of a page that it does not show itself (`own`); nothing where there are none."""
    others = [entry for entry in experiments.of_page(page) if entry.name not in own]
    if not others:
        return
    st.header("Further experiments", anchor=False)
    for entry in others:
        st.page_link(
            SCRIPTS[page], label=errors.escape(entry.title), icon=":material/science:", query_params={NAME: entry.name}
        )
        st.caption(errors.escape(entry.about))


def page_of(entry: Experiment) -> ExperimentPage[Request]:
    """The page whose state is one request of this experiment."""
    prefix = f"one_{entry.name}"

    def read(params: Mapping[str, str]) -> tuple[Request | None, list[str]]:
        return query.read(entry.kind, params) if params.keys() - {NAME} else (None, [])

    return ExperimentPage(
        prefix,
        read,
        link,
        requests=lambda request: [request],
        fill=partial(form.fill, prefix, fields_of(entry.kind)),
        refusal=refusal,
        nothing="",
    )


def refusal(request: Request) -> str | None:
    """Why a request cannot be carried out here; None where it can."""
    from engine.evaluation.applies import check_applies

    try:
        check(request)
        if results.find(request.key()) is None:  # what is stored shows, whatever has become of the model
            check_applies(request)
    except VitrineError as error:
        return str(error)
    return None


def check(request: Request) -> None:
    """What one person may ask of this server, whatever the experiment. Raises BadRequest for more."""
    request.check_size()
    if not isinstance(recipe := dict(request).get("recipe", ""), str):
        from engine.visualization.tuning import check_effort

        check_effort(recipe)


def _draw(entry: Experiment, page: ExperimentPage[Request]) -> None:
    request = page.opening(
        errors.escape(entry.title),
        errors.escape(entry.about),
        partial(_form, entry),
        "Fill in the form and press **Run**. Nothing is computed before that, and what was computed is kept."
        + (f" It applies to {', '.join(map(errors.escape, entry.needs))}." if entry.needs else ""),
    )
    if request is None:
        return
    with errors.shown():
        parts = [Part("only", errors.escape(entry.title), request)]
        page.bar(errors.escape(query.text(query.write(request)).replace("&", " · ").removeprefix("?")), parts)
        for result in page.results(parts, OFFER).values():
            drawings.draw(result, page.prefix)


def _form(entry: Experiment, page: ExperimentPage[Request]) -> None:
    from engine.core.request import build

    with errors.shown():
        given = form.draw(page.prefix, fields_of(entry.kind))
        if st.button("Run", type="primary", icon=":material/play_arrow:", key=page.key("run")):
            request = build(entry.kind, **given)
            if (refused := refusal(request)) is not None:
                raise BadRequest(refused)
            page.show(request, compute=True)
