"""The form for a recipe's settings says what the link says, and the link what the form says."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.sections.visualize.recipe_form import OPEN
from tests.pages.opening import GOOD, VISUALIZATION, opened

PARTS = "steps:64,finish_whole:none,finish.after:0.5,view.side:0.5/0.25"


def text(app: AppTest) -> str:
    return "\n".join(caption.value for caption in app.caption).replace("\\", "")


@pytest.fixture(scope="module")
def app() -> AppTest:
    return opened(VISUALIZATION, a=GOOD, tuned=PARTS)


def test_a_link_fills_the_form(app: AppTest) -> None:
    app = with_form(app)
    assert not app.exception and not app.error and not app.warning
    assert app.number_input(key="fv_tune_fast_steps").value == 64
    assert app.number_input(key="fv_tune_fast_finish.after").value == 0.5
    assert app.toggle(key="fv_tune_fast_finish_whole").value is False
    assert [app.number_input(key=f"fv_tune_fast_view.side_{end}").value for end in (0, 1)] == [0.5, 0.25]
    assert app.selectbox(key="fv_tune_fast_parameterization").value == "fourier"
    assert "fast, changed: steps 64, finish after 0.5, finish whole none, view side 0.5/0.25" in text(app)


def test_a_changed_setting_is_in_what_would_run(app: AppTest) -> None:
    app = with_form(app)
    app.number_input(key="fv_tune_fast_steps").set_value(128)
    app.toggle(key="fv_tune_fast_view").set_value(False)
    app.run()
    assert "fast, changed: finish after 0.5, finish whole none" in text(app)
    app.button(key="fv_untune_fast").click().run()
    assert text(app).count("fast, changed") == 1, "what is shown stays until something else is run"
    assert app.number_input(key="fv_tune_fast_finish.after").value == 0.125


def test_a_value_beyond_its_limits_is_said_and_cannot_run(app: AppTest) -> None:
    app = with_form(app)
    app.number_input(key="fv_tune_fast_rate").set_value(-1.0)
    app.run()
    assert any("rate: write more than 0" in error.value.replace("\\", "") for error in app.error)
    assert app.button(key="fv_run").disabled
    app.session_state[OPEN] = False
    app.run()
    assert any("rate: write more than 0" in error.value.replace("\\", "") for error in app.error), "closed or not"
    assert "A setting is wrong: see Advanced." in [each.value for each in app.caption]
    with_form(app)
    app.number_input(key="fv_tune_fast_rate").set_value(0.05)
    app.run()
    assert not app.error and not app.button(key="fv_run").disabled
    assert "A setting is wrong: see Advanced." not in [each.value for each in app.caption]


def test_a_form_that_is_closed_draws_nothing_and_forgets_nothing() -> None:
    app = opened(VISUALIZATION, a=GOOD, tuned=PARTS)
    assert not [each for each in app.number_input if each.key.startswith("fv_tune_")]
    assert text(app).count("fast, changed: steps 64, finish after 0.5, finish whole none, view side 0.5/0.25") == 2, (
        "chosen and shown"
    )
    with_form(app)
    app.number_input(key="fv_tune_fast_steps").set_value(96)
    app.toggle(key="fv_tune_fast_view").set_value(False)
    app.run()
    app.session_state[OPEN] = False
    app.run()
    assert "fast, changed: steps 96, finish after 0.5, finish whole none\n" in text(app)
    with_form(app)
    assert app.number_input(key="fv_tune_fast_steps").value == 96
    assert app.toggle(key="fv_tune_fast_view").value is False and not app.exception


def with_form(app: AppTest) -> AppTest:
    app.session_state[OPEN] = True
    return app.run()
