"""Word of what is done: a line on any page until its person has looked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine.sharing import notices
from engine.sharing.database import database
from tests.engine.sharing.conftest import ANNA, BEN, KEY, stored
from tests.engine.sharing.test_history import VIT, plant
from tests.pages.opening import opened


@pytest.fixture(autouse=True)
def apart(own_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    st.cache_resource.clear()
    monkeypatch.setattr("pages.common.who.person", lambda: ANNA)
    yield
    database().close()


def news() -> None:
    plant(ANNA, KEY, VIT, 20.0, started=11.0, seen=False)
    plant(BEN, "k2", VIT, 20.0, started=11.0, seen=False)


def test_what_ended_while_a_person_was_elsewhere_is_told_until_it_is_dismissed() -> None:
    news()
    app = opened("pages/home.py")
    assert not app.exception
    app.button(key="news-seen").click().run()
    assert notices.unseen(ANNA) == [] and len(notices.unseen(BEN)) == 1
    assert not [each for each in app.run().button if each.key == "news-seen"]


def script() -> None:
    from pages.common import results
    from pages.common.keeping import news
    from tests.engine.sharing.conftest import KEY

    with results.labelled():
        results.find(KEY)
    news.draw()


def test_what_the_open_page_shows_is_no_news() -> None:
    stored()
    news()
    app = AppTest.from_function(script, default_timeout=30).run()
    assert not app.exception and notices.unseen(ANNA) == []
    assert not [each for each in app.button if each.key == "news-seen"]
