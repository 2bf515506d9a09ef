"""The form of a sweep: it says what a sweep comes to, starts it, and asks only what its experiment has a use for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine.core.choices import SWEPT
from engine.core.experiments import find
from engine.core.request import build
from engine.people.person import Person
from engine.sweeps import running, state
from engine.sweeps.request import SweepRequest
from pages.common import who
from tests.pages.opening import opened, said

ANN = Person("ann", role="member")


@pytest.fixture(autouse=True)
def nothing_is_remembered(own_store: object) -> Iterator[None]:
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sweeps that the page started; none of them is carried out."""
    ids: list[str] = []
    monkeypatch.setattr(who, "person", lambda: ANN)
    monkeypatch.setattr(running, "start", lambda sweep, jobs, person: ids.append(sweep.id))
    return ids


def page(what: str = "visualize") -> AppTest:
    app = opened("pages/models.py")
    if what != "visualize":
        app.radio(key="sweep_what").set_value(what).run()
    app.multiselect(key="sweep_models").set_value(["starter-vit"])
    app.text_input(key="sweep_sites").set_value("blocks.[01].mlp.hidden")
    return app


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception and not app.error, said(app)


def told(app: AppTest) -> str:
    return "\n".join(each.value for each in app.markdown)


def keys(app: AppTest, kind: str) -> set[str]:
    return {str(each.key) for each in app.get(kind) if str(each.key).startswith("sweep_")}


def test_it_says_what_a_sweep_comes_to_and_starts_it(started: list[str]) -> None:
    app = page()
    app.text_input(key="sweep_units").set_value("0-9")
    press(app, "What does it come to?")
    assert "**20 pictures** of 2 layers in 2 parts; 0 are there" in told(app)
    assert state.listed() == [] and started == []
    press(app, "Run")
    (sweep,) = state.listed()
    assert started == [sweep.id] and sweep.wishes == {"ann": "on"} and sweep.request.units == "0-9"
    (said_then,) = [each.value for each in app.success]
    assert "**20 pictures** of 2 layers in 2 parts; 0 are there. The rest takes one worker about" in said_then
    assert "GB that the cache may hold" in said_then


def test_what_is_usual_is_the_same_sweep_as_on_the_command_line(started: list[str]) -> None:
    app = page()
    app.text_input(key="sweep_units").set_value("0-9")
    press(app, "Run")
    asked = build(SweepRequest, models=("starter-vit",), sites=("blocks.[01].mlp.hidden",), units="0-9")
    assert started == [asked.id]


def test_a_recipe_is_chosen_each_with_a_sentence_and_costs_what_it_costs(started: list[str]) -> None:
    app = page()
    choice = app.radio(key="sweep_recipe")
    assert len(choice.options) == len([each for each in choice.proto.captions if each])
    press(app, "What does it come to?")
    fast = told(app)
    app.radio(key="sweep_recipe").set_value("paper")
    press(app, "What does it come to?")
    assert told(app) != fast, "another recipe takes another time"
    press(app, "Run")
    assert state.listed()[0].request.given == {"recipe": "paper"}


@pytest.mark.parametrize("what", SWEPT[1:])
def test_whole_layers_are_asked_for_without_recipe_and_units(started: list[str], what: str) -> None:
    app = page(what)
    assert keys(app, "radio") == {"sweep_what"} and keys(app, "text_input") == {"sweep_sites"}
    app.selectbox(key="sweep_data").set_value("photos")
    press(app, "What does it come to?")
    assert "**2 layers**, 0 of which are there. " in told(app)
    unknown = "How long the rest takes, and how much room, is known when the first part is done."
    assert (unknown in told(app)) == (what != "index"), "the arrays of an index are known"
    press(app, "Run")
    (sweep,) = state.listed()
    assert sweep.request.what == what and sweep.request.units == "" and sweep.request.given == {"data": "photos"}
    assert sweep.request.title == f"{find(what).title.lower()} of starter-vit: blocks.[01].mlp.hidden"


def test_what_cannot_be_swept_is_said(started: list[str]) -> None:
    app = opened("pages/models.py")
    next(button for button in app.button if button.label == "Run").click()
    app.run()
    assert "Choose a model." in said(app) and started == []
