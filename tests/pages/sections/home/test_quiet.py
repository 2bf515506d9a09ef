"""What the server prepares: indexes of what pages open on, asked for quietly, and only where it may."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.runtime.scriptrunner import get_script_run_ctx

from engine.core.choices import DEFAULT_MODELS, DEFAULT_READER
from engine.core.errors import BadRequest
from engine.evaluation.index import IndexRequest
from engine.jobs import scheduler
from engine.models import catalog
from engine.people.person import SERVER
from pages.common import serve
from pages.common.units import view as units
from pages.sections.concepts import requests as concepts
from pages.sections.concepts.view import example as search
from pages.sections.home import gallery
from pages.sections.home.quiet import quiet_requests


def asked() -> list[tuple[str, str]]:
    return [(request.model, request.site) for request in quiet_requests() if isinstance(request, IndexRequest)]


def test_indexes_behind_every_opening_are_made_those_of_the_first_page_first() -> None:
    found, first = asked(), units.example()
    assert len(found) == len([*quiet_requests()]), "nothing but indexes: pictures come along"
    assert found[:2] == [(address.model, address.site) for address in first.sides.values()]
    for part in concepts.requests(search()):
        assert {*needed(part)} <= {*found}, "what the opening search reads"
    for exhibit in gallery.EXHIBITS:
        assert {(address.model, address.site) for units in exhibit.addresses for address in units} <= {*found}


def needed(find: Any) -> list[tuple[str, str]]:
    """The layers whose indexes a search reads."""
    return [(find.reader, "head.embedding"), *((find.model, site) for site in find._sites())]


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Any, ...]]]:
    """What is submitted; requests that are text are refused when they are called missing."""
    seen: list[tuple[Any, ...]] = []

    def submit(request: Any, owner: str, batch: str) -> None:
        if request == "missing":
            raise BadRequest("There is no such model.")
        seen.append((request, owner))

    monkeypatch.setattr(scheduler, "jobs", lambda: SimpleNamespace(submit=submit))
    monkeypatch.setattr(
        serve, "warm_up", lambda: SimpleNamespace(thread=SimpleNamespace(join=lambda: None), error=None)
    )
    monkeypatch.setattr(serve, "_look_into", lambda *models: None)
    monkeypatch.delenv("VITRINE_PREPARE")
    yield seen


def prepared(*requests: Any, ended: bool = False, ahead: Callable[[], object] = lambda: None) -> None:
    ends = threading.Event()
    if ended:
        ends.set()
    serve.prepare(ahead, lambda: iter(requests), ends, pause=0.0)


def test_the_server_asks_quietly_and_leaves_out_what_is_not_here(line: list, configured: Any) -> None:
    configured(prepare=True)
    prepared("a", "missing", "b")
    assert line == [("a", SERVER), ("b", SERVER)]


@pytest.mark.parametrize(
    ("chosen", "works"),
    [({}, True), ({"prepare": False}, False), ({"demo": True}, False), ({"demo": True, "prepare": True}, True)],
)
def test_nothing_is_prepared_where_the_settings_say_so_nor_in_a_demo_unless_they_do(
    line: list, configured: Any, chosen: dict, works: bool
) -> None:
    configured(**chosen)
    prepared("a")
    assert bool(line) == works


def test_a_server_that_ends_first_asks_for_nothing(line: list, configured: Any) -> None:
    configured(prepare=True)
    prepared("a", ended=True)
    assert line == []


def test_the_environment_goes_before_the_settings(line: list, configured: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_PREPARE", "false")
    configured(prepare=True)
    prepared("a")
    assert line == []


def test_the_models_that_pages_open_on_are_looked_into_before_anything_else(
    line: list, configured: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    monkeypatch.setattr(serve, "_look_into", lambda *models: looked.extend(models))
    configured(prepare=False)
    prepared("a", ended=True)
    assert looked == [*DEFAULT_MODELS, DEFAULT_READER] and line == []


def test_looking_ahead_is_done_even_where_nothing_is_prepared_and_its_failure_stops_nothing(
    line: list, configured: Any
) -> None:
    configured(prepare=True)
    looked: list[bool] = []

    def ahead() -> None:
        looked.append(True)
        raise RuntimeError("on purpose")

    prepared("a", ahead=ahead)
    assert looked == [True] and line == [("a", SERVER)]


def test_looking_ahead_without_a_page_leaves_the_log_alone(line: list, configured: Any) -> None:
    configured(prepare=False)
    warned: list[logging.LogRecord] = []
    warns = logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context")
    handler = logging.Handler()
    handler.emit = warned.append
    warns.addHandler(handler)
    try:
        get_script_run_ctx()
        assert len(warned) == 1, "Streamlit warns where no page runs"
        prepared("a", ahead=get_script_run_ctx)
        assert len(warned) == 1
        get_script_run_ctx()
        assert len(warned) == 2, "others are warned as before"
    finally:
        warns.removeHandler(handler)


def test_a_model_that_is_not_here_keeps_none_from_being_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def sites_of(model: str) -> None:
        if model == "missing":
            raise BadRequest("There is no such model.")
        looked.append(model)

    monkeypatch.setattr(catalog, "sites_of", sites_of)
    serve._look_into("missing", "there")
    assert looked == ["there"]
