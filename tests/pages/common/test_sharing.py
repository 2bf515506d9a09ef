"""What stands beside results: a pin that says what the store says, whoever changed it."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.core import config
from engine.core.request import Result
from engine.jobs import pins
from engine.jobs.keys import stored_key
from engine.people.person import Person


def script() -> None:
    from pages.common.sharing import link_and_zip

    link_and_zip({"a": "m"}, ["first", "second", "absent"], "sh", "file")


@pytest.fixture
def app(own_store: Path) -> AppTest:
    """A page that shows two results that are there, and one that is not."""
    for key in ("first", "second"):
        config.store().put(stored_key(key), Result({}).to_blob())
    return AppTest.from_function(script, default_timeout=30).run()


def test_the_pin_keeps_what_is_shown_and_lets_it_go_again(app: AppTest) -> None:
    assert not app.exception and app.toggle(key="sh_pin").value is False
    assert "never removed" in app.toggle(key="sh_pin").help
    app.toggle(key="sh_pin").set_value(True).run()
    assert pins.pinned(["first", "second"]) == {"first", "second"} and app.toggle(key="sh_pin").value is True
    app.toggle(key="sh_pin").set_value(False).run()
    assert pins.pinned(["first", "second"]) == set() and app.toggle(key="sh_pin").value is False


def test_the_pin_shows_what_was_pinned_elsewhere_and_is_on_only_for_all(app: AppTest) -> None:
    pins.pin(["first"])
    assert app.run().toggle(key="sh_pin").value is False
    pins.pin(["second"])
    assert app.run().toggle(key="sh_pin").value is True
    config.store().unpin(stored_key("first"))
    assert app.run().toggle(key="sh_pin").value is False


def test_what_is_no_longer_stored_cannot_be_pinned_and_that_is_said(app: AppTest) -> None:
    config.store().delete(stored_key("second"))
    app.toggle(key="sh_pin").set_value(True).run()
    assert [toast.value for toast in app.toast] == [
        "1 of these results are not in the cache, so they cannot be pinned."
    ]
    assert app.toggle(key="sh_pin").value is False and pins.pinned(["first", "second"]) == {"first"}
    assert not app.run().toast


def test_a_public_server_has_no_pin(app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "demo.toml").write_text("demo = true")
    monkeypatch.setenv("VITRINE_CONFIG", str(tmp_path / "demo.toml"))
    config.settings.cache_clear()
    assert not app.run().toggle and not app.exception


def test_where_people_sign_in_a_member_sees_no_pin(app: AppTest, monkeypatch: pytest.MonkeyPatch, configured) -> None:
    monkeypatch.setattr("pages.common.who.person", lambda: Person("ann", role="member"))
    assert app.run().toggle
    configured(access={"login": "proxy", "proxies": ["127.0.0.1"]})
    assert not app.run().toggle and not app.exception
