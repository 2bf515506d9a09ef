"""What is said of results that nobody asked for: how many, on what, and how long; nothing where all are there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from engine.core import config
from engine.core.request import Result
from engine.jobs.runner import Runner
from engine.models import catalog
from engine.reliance.background import BackgroundRequest
from pages.common.experiments import offer

ASKED = [BackgroundRequest(model=model, limit=20) for model in ("starter-vit", "starter-cnn")]


def told() -> str:
    def page() -> None:
        from types import SimpleNamespace

        import streamlit as st

        from pages.common.experiment_page import Part
        from pages.common.experiments import offer
        from tests.pages.common.experiments.test_offer import ASKED

        parts = [Part(each.model, each.model, each) for each in ASKED]
        st.text(offer.told(SimpleNamespace(batch=lambda requests: None), parts, "20 images"))

    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    return app.text[0].value


@pytest.mark.usefixtures("own_store")
def test_it_counts_what_is_not_there_and_says_how_long_it_takes() -> None:
    after = "not computed yet, on 20 images: under a minute on two cores. Results appear as they are finished."
    assert told() == f"2 measurements are {after}"
    Runner(config.store()).keep(ASKED[0], Result({}))
    assert told() == f"One measurement is {after}"
    Runner(config.store()).keep(ASKED[1], Result({}))
    assert told() == ""


def test_no_time_is_said_where_a_model_is_still_to_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    known = catalog.find
    monkeypatch.setattr(catalog, "find", lambda name: replace(known(name), available=False))
    assert offer._takes({"key": ASKED[0]}) == ""


@pytest.mark.usefixtures("own_store")
def test_a_viewer_is_told_of_no_cost(configured: Callable[..., None]) -> None:
    configured(access={"visitors": "viewer"})
    assert told() == ""
