"""Sweeps on the page "Models": watched, paused and taken along by whoever began them, and by nobody else."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cache import archive
from engine.core import config
from engine.core.errors import Unavailable
from engine.core.experiments import parse_request
from engine.core.paths import SHIPPED
from engine.core.request import Result, build
from engine.jobs.runner import Runner
from engine.people.person import Person
from engine.sweeps import running, state
from engine.sweeps.plan import plan
from engine.sweeps.request import SweepRequest
from engine.sweeps.state import Progress
from engine.visualization.request import VisualizeRequest
from pages.common import results, who
from pages.sections.home import sweeping
from tests.pages.opening import opened

ANN, EVE, OLGA = Person("ann", role="member"), Person("eve", role="member"), Person("olga")


@pytest.fixture(autouse=True)
def nothing_is_remembered(own_store: object) -> Iterator[None]:
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[[Person], AppTest]:
    """The page as this person sees it."""

    def seen(person: Person) -> AppTest:
        monkeypatch.setattr(who, "person", lambda: person)
        return opened("pages/models.py")

    return seen


def begun() -> state.Sweep:
    sweep = state.begin(build(SweepRequest, models=("starter-vit",), units="0-3"), "ann")
    state.note(sweep.id, Progress(config.store().mark.id, done=1, parts=8, first="starter-vit@blocks.0.mlp.hidden:0-3"))
    return state.find(sweep.id)


def test_whoever_began_a_sweep_watches_and_pauses_it(looks: Callable[[Person], AppTest]) -> None:
    sweep = begun()
    app = looks(ANN)
    assert not app.exception
    app.button(key=f"pause-{sweep.id}").click().run()
    assert state.find(sweep.id).status == "paused"


def test_one_of_several_who_pauses_it_reads_that_it_goes_on_for_the_others(looks: Callable[[Person], AppTest]) -> None:
    sweep = begun()
    assert not told_of_people(looks(ANN)), "nobody else asked for it"
    state.begin(sweep.request, "eve")
    app = looks(EVE)
    assert told_of_people(app) == ["2 people asked for this. It goes on until none of them wants it."]
    app.button(key=f"pause-{sweep.id}").click().run()
    found = state.find(sweep.id)
    assert (found.status, found.wishes) == ("running", {"ann": "on", "eve": "paused"})
    assert told_of_people(app) == ["2 people asked for this. It goes on until none of them wants it. You paused it."]
    app.button(key=f"forget-{sweep.id}").click().run()
    assert sweep.id not in "".join(each.value for each in app.markdown)
    assert state.find(sweep.id).wishes == {"ann": "on"} and not app.exception


def told_of_people(app: AppTest) -> list[str]:
    return [each.value for each in app.caption if "people asked" in each.value]


def test_what_is_there_of_a_sweep_is_counted_and_taken_along_in_one_file(looks: Callable[[Person], AppTest]) -> None:
    asked = build(SweepRequest, what="index", models=("starter-vit",), sites=("blocks.[01].mlp.hidden",))
    sweep = state.begin(asked, "ann")
    part = next(iter(plan(asked).parts.values()))
    result = Result(json.loads(part.request.canonical()), {"selectivity": np.ones(768, np.float32)})
    Runner(config.store()).keep(part.request, result)
    state.note(sweep.id, Progress(done=1, parts=2))
    app = looks(ANN)
    assert not [each for each in app.caption if each.value.startswith("There:")], "nobody asked yet"
    app.button(key=f"export-{sweep.id}").click().run()
    told = next(each.value for each in app.caption if each.value.startswith("There:"))
    assert not app.exception and re.fullmatch(r"There: 1 of 2 parts, \S+ kB\. Missing: 1\.", told)
    with zipfile.ZipFile(io.BytesIO(sweeping.archive(sweep.id))) as file:
        about = json.loads(file.read("sweep.json"))
        assert about["sweep"] == sweep.id and [each["key"] for each in about["parts"]] == [part.request.key()]
        assert "parts/starter-vit-blocks.0.mlp.hidden/selectivity.npy" in file.namelist()


def test_a_sweep_too_large_for_a_browser_names_the_command(
    looks: Callable[[Person], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = begun()
    monkeypatch.setattr(sweeping, "LARGEST_FILE", -1)
    app = looks(ANN)
    app.button(key=f"export-{sweep.id}").click().run()
    assert any(f"sweep --export {sweep.id}" in each.value for each in app.caption) and not app.get("download_button")


def test_nobody_else_sees_it_and_a_viewer_starts_none(looks: Callable[[Person], AppTest]) -> None:
    sweep = begun()
    assert sweep.id not in "".join(each.value for each in looks(EVE).markdown)
    app = looks(Person("val", role="viewer"))
    assert not [button for button in app.button if button.label == "Run"]


def test_a_sweep_that_is_one_too_many_is_a_sentence_and_stays_as_it_was(
    looks: Callable[[Person], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = begun()
    state.stop(sweep, ANN, "paused")

    def refuse(id: str, person: Person) -> None:
        raise Unavailable("You already have 2 sweeps on.")

    monkeypatch.setattr(running, "refuse_too_many", refuse)
    app = looks(ANN)
    app.button(key=f"resume-{sweep.id}").click().run()
    assert "already have 2 sweeps" in app.error[0].value and state.find(sweep.id).status == "paused"


def test_where_only_operators_start_sweeps_others_see_no_form(
    looks: Callable[[Person], AppTest], configured: Callable[..., None]
) -> None:
    configured(limits={"sweeps_per_person": 0})
    assert [any(button.label == "Run" for button in looks(each).button) for each in (ANN, OLGA)] == [False, True]


def test_a_page_shows_a_unit_out_of_a_part() -> None:
    """A result of several units is all that is stored: the page of one of them finds it."""
    archive.bring(config.store(), SHIPPED)
    several = [entry for entry in config.store().entries() if len((entry.facts_request or {}).get("units", ())) > 1]
    asked = next(parse_request(entry.facts_request) for entry in several if entry.facts_request)
    assert isinstance(asked, VisualizeRequest)
    whole, unit = results.find(asked.key()), asked.units[-1]
    alone = results.find(asked.model_copy(update={"units": (unit,)}).key())
    assert whole is not None and alone is not None
    assert np.array_equal(alone.arrays["images"][0], whole.arrays["images"][-1])
    link = {
        "a": f"{asked.model}@{asked.site}:{unit}",
        "recipe": str(asked.recipe),
        "seed": str(asked.seed),
        "data": asked.data,
    }
    app = opened("pages/feature_visualization.py", **link)
    told = "".join(each.value for each in app.markdown)
    assert not app.exception and "excites its unit" in told and "Not made yet" not in told
