"""The cards of the page "Models": what is said of a model, its pictures where some came along, and the way to its units."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cache.blob import Blob
from engine.core import config
from engine.models import catalog
from engine.models.loaded import Entry
from pages.sections.home import gallery, model_cards
from pages.sections.home.gallery import Shipped
from tests.pages.opening import opened, said


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> Iterator[None]:
    """Pages remember results by their keys, whatever store they came from."""
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


ENTRY = Entry("mine", "local", "vit", "file", available=True, top1=0.8592, top1_interval=(0.842, 0.875), classes=1849)


def test_an_accuracy_comes_with_its_interval_and_nothing_is_said_where_none_is_known() -> None:
    assert (
        model_cards.accuracy(ENTRY) == "**85.9%** of held-out images classified correctly (95% interval 84.2 to 87.5%)"
    )
    assert model_cards.accuracy(dataclasses.replace(ENTRY, top1=None)) == ""


def test_no_card_says_a_share_without_its_interval() -> None:
    cards = {each.name: f"{model_cards.accuracy(each)} {each.note}" for each in catalog.entries() if each.available}
    shares = {name: re.findall(r"\d%", re.sub(r"\(.*?\)", "", told)) for name, told in cards.items()}
    assert shares["starter-vit"] and shares["starter-clip"], "these say how good they are"
    for name, told in cards.items():
        assert told.count("(95% interval ") == len(shares[name]), told


def test_what_a_model_is_for_goes_by_its_classes_and_by_whether_it_reads() -> None:
    assert model_cards.facts(ENTRY) == "224 × 224 pixels · 1,849 classes"
    assert "answers" in model_cards.uses(ENTRY) and "text" not in model_cards.uses(ENTRY)
    reader = dataclasses.replace(ENTRY, architecture="open_clip/ViT-B-16", classes=None)
    assert "by text" in model_cards.uses(reader) and "answers" not in model_cards.uses(reader)


def page() -> AppTest:
    app = opened("pages/models.py")
    assert not app.exception and not app.error, said(app)
    return app


@pytest.mark.usefixtures("own_store")
def test_every_model_here_has_a_card_with_a_way_to_its_units_and_every_other_its_reason() -> None:
    app = page()
    names = [each.value.replace("\\", "") for each in app.subheader]
    assert {"starter-vit", "starter-cnn", "starter-clip"} <= set(names)
    assert app.button(key="see-starter-vit").label == "See its units"
    absent = [each.value for each in app.dataframe]
    assert all("Model" in table for table in absent) and not {*names} & {*absent[0]["Model"]}


@pytest.mark.usefixtures("own_store")
def test_a_card_shows_the_pictures_that_came_along_and_links_to_their_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    units = pd.DataFrame({"unit": ["3", "9"], "ratio_to_best_scene": 1.0})
    config.store().put("stored", Blob({"images": np.zeros((2, 8, 8, 3), np.uint8)}, {"units": units}, {"request": {}}))
    places = {"starter-vit@blocks.6.mlp.hidden:3,9": "stored", "starter-cnn@stages.1.blocks.1:3,9": "never stored"}
    monkeypatch.setattr(gallery, "shipped", lambda: Shipped(places, ()))
    app = page()
    links = [each.proto.query_string for each in app.get("page_link") if each.proto.label == "See its units"]
    assert len(links) == 1 and "starter-vit%40blocks.6.mlp.hidden" in links[0]
    captions = [each.value for each in app.caption]
    assert "Pictures of units of `blocks.6.mlp.hidden`" in captions
    assert app.button(key="see-starter-cnn").label == "See its units"


def test_the_way_to_units_of_a_model_without_pictures_leads_to_a_late_layer() -> None:
    assert str(model_cards._late("starter-cnn")) == "starter-cnn@stages.3.blocks.0:0-3"
