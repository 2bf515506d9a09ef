"""Short links on pages: followed to the view that they stand for, and refused in a sentence where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.sharing import links
from engine.sharing.database import database
from tests.conftest import ROOT
from tests.engine.sharing.conftest import ANNA
from tests.pages.opening import said


@pytest.fixture(autouse=True)
def apart(own_store: Path) -> Iterator[None]:
    yield
    database().close()


def follow(id: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["v"] = id
    return app.run()


def test_a_short_link_opens_its_page_with_its_parameters() -> None:
    app = follow(links.keep("models", {"search": "vit"}, ANNA))
    assert not app.exception and app.title[0].value == "Models"
    assert app.query_params.get("search") in ("vit", ["vit"]) and "v" not in app.query_params


@pytest.mark.parametrize("id", ["a" * 16, "nonsense", "<img src=x>"])
def test_a_link_that_was_never_made_is_a_sentence_on_the_usual_page(id: str) -> None:
    app = follow(id)
    assert not app.exception and "leads nowhere" in said(app) and app.title[0].value == "Vitrine"


def test_a_link_to_a_page_that_is_no_more_is_a_sentence() -> None:
    app = follow(links.keep("former_page", {}, ANNA))
    assert not app.exception and "leads nowhere" in said(app)
