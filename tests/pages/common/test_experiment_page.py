"""The life of a page of one experiment: link, offer, computing, result, another link. With an experiment made for it."""

from __future__ import annotations

import threading
import zipfile
from io import BytesIO
from typing import Any, ClassVar

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from engine.core.errors import BadRequest
from engine.core.export import to_zip
from engine.core.request import Context, Progress, Request, Result
from engine.people.person import Person

GO = threading.Event()


class CountRequest(Request):
    """Counts letters, once the test lets it."""

    experiment: ClassVar[str] = "count-for-tests"
    version: ClassVar[int] = 1
    word: str
    times: int = 1

    def fingerprints(self) -> dict[str, str]:
        if self.word == "missing":
            raise BadRequest("There is no word “missing”.")
        return {}

    def run(self, context: Context) -> Result:
        while not GO.wait(0.02):
            context.report(Progress(1, 2, "Counting"))
        return Result({"experiment": self.experiment}, {}, {"letters": pd.DataFrame({"n": [len(self.word)]})}, {})


def script() -> None:
    """A page as short as a page can be."""
    import streamlit as st

    from pages.common import errors
    from pages.common.experiment_page import ExperimentPage, Part, flat_page
    from tests.pages.common.test_experiment_page import CountRequest

    def setup(page: ExperimentPage[CountRequest]) -> None:
        st.session_state.setdefault("ct_word", "")
        word = st.text_input("Word", key="ct_word")
        if st.button("Run", key="ct_run"):
            with errors.shown():
                page.show(CountRequest(word=word), compute=True)

    example = (lambda: CountRequest(word="example")) if st.session_state.get("with_example") else None
    page = flat_page("ct", CountRequest, lambda view: [view], example=example)
    page.opening("Counting", "Counts letters.", setup, "Write a word.")
    if (view := page.shown()) is not None:
        with errors.shown():
            parts = [Part("only", "Counting", view)]
            page.bar(f"counts {view.word}", parts)
            found = page.results(parts, "Not counted yet.")
            for result in found.values():
                st.metric("Letters", int(result.tables["letters"]["n"][0]))


@pytest.fixture(autouse=True)
def held_back() -> Any:
    from engine.jobs.scheduler import jobs

    for job in jobs().active():  # another test's, which would stand in the way
        jobs().wait(job, 120)
    GO.clear()
    yield
    GO.set()
    for job in jobs().active():
        jobs().wait(job, 10)


def opened(**link: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=30)
    app.query_params.update(link)
    return app.run()


def finish(app: AppTest) -> AppTest:
    from engine.jobs.scheduler import jobs

    GO.set()
    for job in jobs().active():
        jobs().wait(job, 10)
    return app.run()


def asked() -> list[dict]:
    """What this page has running: a model that another test warmed up may be at work too."""
    from engine.jobs.scheduler import jobs

    return [job.request.model_dump() for job in jobs().active() if "word" in job.request.model_dump()]


def test_a_link_offers_computes_on_a_click_and_then_shows_at_once() -> None:
    app = opened(word="banana", times="3")
    assert app.button(key="ct_compute").label == "Run" and not app.metric and not asked()
    app.button(key="ct_compute").click().run()
    assert asked() == [{"word": "banana", "times": 3}]
    assert app.button(key="cancel-ct").label == "Cancel"
    app = finish(app)
    assert app.metric[0].value == "6" and not [each for each in app.button if each.key == "ct_compute"]
    again = opened(word="banana", times="3")
    assert again.metric[0].value == "6" and not again.warning


def test_what_is_shown_stays_where_what_is_asked_for_cannot_be_computed() -> None:
    app = opened(word="fig")
    app.text_input(key="ct_word").input("missing")
    app.button(key="ct_run").click().run()
    assert "There is no word" in app.error[0].value and not app.exception
    assert app.session_state["ct_view"].word == "fig"


def test_an_old_link_says_what_changed_and_shows_no_old_number(monkeypatch) -> None:
    app = opened(word="papaya")
    app.button(key="ct_compute").click().run()
    assert finish(app).metric[0].value == "6" and not app.info
    monkeypatch.setattr(CountRequest, "version", 3)
    monkeypatch.setattr(CountRequest, "changes", {2: "Spaces no longer count.", 3: "Capitals count twice."})
    old = opened(word="papaya")
    assert not old.metric and "Spaces no longer count. Capitals count twice." in old.info[0].value
    assert old.button(key="ct_compute").label == "Run"
    assert not opened(word="never counted").info, "nothing of this word was ever shown"


def test_cancelling_stops_the_job_and_offers_again() -> None:
    from engine.jobs.scheduler import jobs

    app = opened(word="cherry")
    app.button(key="ct_compute").click().run()
    app.button(key="cancel-ct").click().run()
    for job in jobs().active():
        jobs().wait(job, 10)
    assert not asked()
    assert app.run().button(key="ct_compute").label == "Run"


def test_cancelling_what_somebody_else_asked_for_says_that_it_goes_on() -> None:
    from engine.jobs.scheduler import jobs

    app = opened(word="quince")
    app.button(key="ct_compute").click().run()
    jobs().submit(CountRequest(word="quince"), Person("somebody else"))
    app.button(key="cancel-ct").click().run()
    assert [each.value for each in app.caption if "another person wants it" in each.value]
    assert asked() and not [each for each in app.button if each.key == "cancel-ct"]


def test_a_wrong_parameter_is_told_once_and_the_rest_followed() -> None:
    app = opened(word="plum", times="often")
    assert not app.exception and len(app.warning) == 1 and "times" in app.warning[0].value
    assert app.button(key="ct_compute")


def test_a_link_to_what_is_not_there_says_so() -> None:
    app = opened(word="missing")
    assert not app.exception and "There is no word" in app.warning[0].value
    assert app.button(key="ct_run")


def test_the_widgets_show_what_the_link_says_and_the_address_what_was_run() -> None:
    app = opened(word="missing")
    app.text_input(key="ct_word").set_value("pear").run()
    app.button(key="ct_run").click().run()
    assert app.query_params["word"] in ("pear", ["pear"])


def test_a_result_of_any_experiment_travels_as_tables_and_arrays() -> None:
    result = CountRequest(word="fig")
    GO.set()
    made = result.run(None)  # type: ignore[arg-type]
    archive = zipfile.ZipFile(BytesIO(to_zip(made)))
    assert archive.read("count-for-tests/letters.csv") == b"n\n3\n"
    assert "count-for-tests/request.json" in archive.namelist()


def test_a_page_opens_on_its_example_with_a_bare_address_and_leaves_it_for_what_is_asked_for():
    GO.set()
    app = AppTest.from_function(script, default_timeout=30)
    app.session_state["with_example"] = True
    app.run()
    assert app.session_state["ct_view"].word == "example" and app.text_input(key="ct_word").value == "example"
    assert not app.query_params and app.button(key="ct_compute").label == "Run", "offered, not made by itself"
    assert not app.run().query_params, "nor does a rerun put it into the address"
    app.text_input(key="ct_word").set_value("hello").run()
    app.button(key="ct_run").click().run()
    assert app.query_params["word"] == "hello" and app.session_state["ct_view"].word == "hello"


def test_an_example_that_cannot_be_shown_here_leaves_the_hint_and_a_link_is_shown_instead_of_it(monkeypatch):
    monkeypatch.setattr(CountRequest, "fingerprints", lambda self: (_ for _ in ()).throw(BadRequest("not here")))
    app = AppTest.from_function(script, default_timeout=30)
    app.session_state["with_example"] = True
    assert "Write a word." in "".join(each.value for each in app.run().markdown) and not app.exception
    assert "ct_view" not in app.session_state
    monkeypatch.undo()
    linked = AppTest.from_function(script, default_timeout=30)
    linked.session_state["with_example"], linked.query_params["word"] = True, "linked"
    assert linked.run().session_state["ct_view"].word == "linked"
