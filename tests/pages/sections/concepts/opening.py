"""The page "Concepts" as a browser that follows a link sees it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from streamlit.testing.v1 import AppTest

from engine.core import config
from engine.core.request import Request, Result
from engine.jobs.runner import Runner
from pages.sections.concepts.view import ConceptsView
from tests.conftest import ROOT
from tests.engine.concepts.made import MODEL, READER

VIEW = ConceptsView(a=MODEL, reader=READER, show="browse", layer="blocks.6.mlp.hidden")


def opened(chosen: dict[str, str] | None = None, **link: str) -> AppTest:
    """The page as a browser that follows this link sees it first; `chosen` is what stands in the setup's widgets."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params.update(link)
    for name, value in (chosen or {}).items():
        app.session_state[f"cn_{name}"] = value
    return app.switch_page("pages/concepts.py").run()


def text_of(app: AppTest) -> str:
    """Everything that stands on the page, without the marks that keep it from being Markdown."""
    kinds: tuple[Any, ...] = (app.markdown, app.caption, app.error, app.warning, app.header, app.subheader)
    return "\n".join(each.value for kind in kinds for each in kind).replace("\\", "")


def units_of(app: AppTest) -> list[int]:
    """The units that have a card on the page, in order, by the links to them."""
    labels = [each.proto.label for each in app.get("page_link")]
    return [int(label.split("**")[1].removeprefix("Unit ")) for label in labels if label.startswith("**Unit ")]


def jobs_of_the_page() -> list[Request]:
    from engine.jobs.scheduler import jobs

    mine = ("name-units", "find-units", "unit-map", "purity", "zero-shot", "picture-words")
    return [job.request for job in jobs().active() if job.request.experiment in mine]


def store(request: Request, result: Result) -> None:
    """Results that are stored always say what they answer."""
    Runner(config.store()).keep(request, replace(result, request=json.loads(request.canonical()) | result.request))
