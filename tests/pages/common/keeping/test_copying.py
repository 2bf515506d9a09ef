"""The button that copies: it carries the short link, and keeps what it stands for when somebody takes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.errors import BadRequest
from engine.sharing import links
from engine.sharing.database import database
from pages.common.keeping import copying


@pytest.fixture(autouse=True)
def apart(own_store: Path) -> Iterator[None]:
    yield
    database().close()


def script() -> None:
    from pages.common.keeping import short

    short.copy({"a": "m@s:1"}, "here")


def test_a_view_is_kept_when_its_link_is_taken_and_no_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    pressed = []
    monkeypatch.setattr("pages.common.keeping.copying.button", lambda *given: pressed.append(given))
    app = AppTest.from_function(script, default_timeout=30).run()
    assert not app.exception
    ((text, _, taken),) = pressed
    id = text.partition("?v=")[2]
    assert id == links.id_of("home", {"a": "m@s:1"})
    with pytest.raises(BadRequest):
        links.find(id)
    monkeypatch.setattr("pages.common.who.person", lambda: links_person())
    taken()
    assert links.find(id).params == {"a": "m@s:1"}


def links_person():
    from tests.engine.sharing.conftest import ANNA

    return ANNA


def test_a_view_too_large_for_a_short_link_has_the_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pressed = []
    monkeypatch.setattr("pages.common.keeping.copying.button", lambda *given: pressed.append(given))

    def large() -> None:
        from pages.common.keeping import short

        short.copy({"a": "x" * 30_000}, "here")

    AppTest.from_function(large, default_timeout=30).run()
    assert pressed[0][0].endswith("x" * 30_000) and "?a=" in pressed[0][0]


def test_the_button_has_its_name_before_its_script_has_run() -> None:
    assert '<span class="label">Copy link</span>' in copying.HTML
