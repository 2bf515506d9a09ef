"""The page that shows just what a request asks for: what it is called, its script and its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from engine.core.address import Address
from engine.core.errors import BadRequest
from engine.core.experiments import find, parse_request
from pages.common import query
from pages.common.experiments import single
from pages.common.experiments.places import SCRIPTS
from pages.common.units.view import View

if TYPE_CHECKING:
    from engine.core.request import Request
    from engine.visualization.request import VisualizeRequest


@dataclass(frozen=True)
class Opens:
    """What a request is called, and the page and the parameters that ask for just the same."""

    label: str
    script: str
    link: dict[str, str]

    @property
    def page(self) -> str:
        """The page's name, as links and collections have it."""
        return Path(self.script).stem


def of_facts(facts: dict[str, Any] | str) -> Opens | None:
    """The page of a request (its canonical JSON, or that read); None for one of another version of Vitrine."""
    try:
        return of_request(parse_request(facts))
    except BadRequest:
        return None


def of_request(request: Request) -> Opens:
    """The page of a request."""
    if (view := view_of(request)) is not None:
        return Opens(str(view.a), SCRIPTS["visualize"], query.write(view))
    entry = find(request.experiment)
    return Opens(f"{entry.title}: {_what(request)}", SCRIPTS[entry.page], single.link(request))


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
