"""A picture on home of a network that is not installed shows the result that came along."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import streamlit as st

from cache import archive
from engine.core import config
from engine.core.paths import SHIPPED
from engine.models import catalog
from pages.sections.home import exhibition, gallery
from pages.sections.visualize import unit_page
from tests.pages.opening import VISUALIZATION, opened, said

FIRST = gallery.EXHIBITS[0]
LINK = exhibition.asked(FIRST, FIRST.addresses[0][0])


@pytest.fixture
def not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    known: Any = catalog.find

    def find(name: str) -> Any:
        entry = known(name)
        missing = {"available": False, "note": "Its package is not installed: run make models."}
        return replace(entry, **missing) if name == FIRST.model else entry

    monkeypatch.setattr(catalog, "find", find)


@pytest.mark.usefixtures("own_store", "not_installed")
def test_its_picture_and_numbers_are_shown_and_what_is_lacking_is_said() -> None:
    archive.bring(config.store(), SHIPPED)
    st.cache_resource.clear()
    app = opened(VISUALIZATION, **LINK)
    assert not app.exception and not app.error and not app.warning, said(app)
    assert "Its package is not installed: run make models." in said(app).replace("\\", "")
    assert app.title[0].value.startswith("Unit 267") and len(app.get("image")) == 1
    assert any("above" in each.value for each in app.markdown)
    keys = [each.key for each in app.button]
    assert "came_along-keep" in keys, "it can be kept, and its link copied"
    app.session_state["came-along-sheet-figure"] = True
    app.run()
    assert not app.exception and not app.error, said(app)
    labels = [each.proto.label for each in app.get("download_button")]
    assert labels.count("PDF") == 2 and labels.count("ZIP") == 3, "the chart's, the figure's, and all of it"
    assert any("recipe fast, seed 0" in each.value for each in app.get("code"))


def test_where_the_network_is_here_or_the_unit_never_hung_the_page_is_the_usual_one() -> None:
    assert unit_page.absent("starter-vit") == ""
    places = gallery.shipped().places
    for link in ({"a": "starter-vit@blocks.6.mlp.hidden:1"}, {"a": "nonsense"}, {}):
        assert not unit_page.came_along(link, places)
