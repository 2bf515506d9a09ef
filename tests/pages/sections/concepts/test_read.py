"""Words of pictures: it says what will stand there, and either Run reads the units that are written now."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest

from engine.jobs.runner import Runner
from pages.sections.concepts import read
from tests.engine.concepts.made import MODEL, READER
from tests.pages.sections.concepts.opening import jobs_of_the_page, opened, text_of

LINK = {"a": MODEL, "reader": READER, "show": "read"}


@pytest.fixture
def held(reader: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is computed before the test is over."""
    over = Event()
    monkeypatch.setattr(Runner, "fetch", lambda *_: over.wait(60))
    yield
    over.set()


@pytest.mark.usefixtures("reader")
def test_before_anybody_asked_it_says_what_will_stand_here() -> None:
    app = opened(**LINK)
    assert not app.exception and read.WAITS in text_of(app) and jobs_of_the_page() == []
    assert read.WAITS not in text_of(opened(**LINK, units="1")), "what was asked for is offered"


@pytest.mark.parametrize("run", ["cn_run", "cn_read_run"])
@pytest.mark.usefixtures("held")
def test_either_run_reads_the_units_that_are_written(run: str) -> None:
    app = opened(**LINK)
    app.text_input(key="cn_units_a_at").set_value("5, 7")
    app.button(key=run).click().run()
    assert not app.exception and not app.error, text_of(app)
    assert app.session_state["cn_view"].units == "5, 7"


@pytest.mark.usefixtures("held")
def test_units_of_another_model_are_not_taken_over_unless_they_are_written_for_it() -> None:
    app = opened(**LINK, units="700")
    app.selectbox(key="cn_a").set_value("starter-cnn")
    app.button(key="cn_run").click().run()
    assert not app.exception and (app.session_state["cn_view"].a, app.session_state["cn_view"].units) == (
        "starter-cnn",
        "0-3",
    )
    app = opened(**LINK, units="700")
    app.selectbox(key="cn_a").set_value("starter-cnn")
    app.text_input(key="cn_units_a_at").set_value("9")
    app.button(key="cn_run").click().run()
    assert not app.exception and app.session_state["cn_view"].units == "9"


@pytest.mark.usefixtures("reader")
def test_no_unit_at_all_is_refused() -> None:
    app = opened(**LINK)
    app.text_input(key="cn_units_a_at").set_value("")
    app.button(key="cn_run").click().run()
    assert not app.exception and "No units given" in text_of(app) and jobs_of_the_page() == []
