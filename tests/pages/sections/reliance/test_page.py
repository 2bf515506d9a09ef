"""The page "Background and texture": it opens, offers what is not there, shows what is, and says what is wrong."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine.core import config
from engine.core.request import build
from engine.jobs.runner import Runner
from engine.reliance.units import UnitCuesRequest
from pages.common import query
from pages.sections.reliance import units
from pages.sections.reliance.view import View, request, title
from tests.pages.opening import figure_of, opened, said

PAGE = "pages/background.py"
PAIR = "starter-vit,starter-cnn"


def shown(**link: str) -> AppTest:
    return opened(PAGE, **link)


def test_the_page_opens_and_asks_for_nothing_by_itself() -> None:
    app = shown()
    assert not app.exception and not app.error, said(app)
    assert app.title[0].value == "Background and texture"
    assert app.button(key="bg_run").disabled is False


def test_a_link_whose_results_are_not_there_offers_them() -> None:
    app = shown(models=PAIR, limit="17", measures="background")
    assert not app.exception and not app.error, said(app)
    assert app.button(key="bg_compute").label == "Run"


@pytest.mark.parametrize(
    "link, told",
    [
        ({"models": PAIR, "measures": "taste"}, "measures"),
        ({"models": PAIR, "cut": "knife"}, "cut"),
        ({"models": ",".join(f"m{number}" for number in range(9))}, "models"),
        ({"models": "no-such-model"}, "no model"),
        ({"models": PAIR, "data": "/etc"}, "no data set"),
    ],
)
def test_a_link_that_does_not_fit_is_told(link: dict[str, str], told: str) -> None:
    app = shown(**link)
    assert not app.exception
    assert told in said(app).replace("\\", "")


@pytest.mark.usefixtures("own_store")
def test_sections_stand_with_their_scenes_before_anybody_asked_and_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = Event()
    monkeypatch.setattr(Runner, "fetch", lambda *_: held.wait(60))
    view = View(models=("starter-vit",), measures=("background", "frequency", "texture"), limit=17)
    offered = shown(**query.write(view))
    told = "3 measurements are not computed yet, on up to 17 images of “starter”: under a minute on two cores."
    assert any(told in each.value for each in offered.markdown)
    running = shown(**query.write(view))
    running.button(key="bg_compute").click().run()
    held.set()
    for app in (offered, running):
        assert not app.exception and not app.error, said(app)
        assert [header.value for header in app.header] == [*map(title, view.measures), "Units of a layer"]
        assert [each.value for each in app.caption].count("Not measured yet.") == 3
        assert len(app.get("image")) == 6 * 3 + 6 * 2, "scenes cut, and scenes filtered"
    assert not any("not computed yet" in each.value for each in running.markdown)


def test_results_that_are_there_are_shown_model_by_model() -> None:
    """Twelve images of one model: its section and images stand, and the other model is offered."""
    view = View(models=("starter-cnn", "starter-vit"), measures=("background",), limit=12)
    Runner(config.store()).fetch(request(view, "background", "starter-cnn"), lambda progress: None)
    app = shown(**query.write(view))
    assert not app.exception and not app.error, said(app)
    assert [header.value for header in app.header] == ["Object and background", "Units of a layer"]
    assert app.button(key="bg_compute").label == "Run"
    assert any("starter-cnn classifies" in each.value.replace("\\", "") for each in app.markdown)
    assert len(app.get("image")) == 6 * 3, "six scenes, whole, without background and without object"
    assert any("✓ " in each.value or "✗ " in each.value for each in app.caption), "a sign says what is right"
    assert app.query_params["models"] in ("starter-cnn,starter-vit", ["starter-cnn,starter-vit"])
    texts, pixels, numbers = figure_of(app, "bg-scenes")
    assert len(pixels) == len(numbers) == 6 * 3 and {"whole image", "object alone", "background alone"} <= set(texts)
    assert "starter-cnn" in texts and any(text.startswith(("right: ", "wrong: ")) for text in texts)


def test_beside_a_comparison_under_one_fill_it_is_said_that_another_may_turn_it_round() -> None:
    both = View(models=("starter-cnn", "starter-vit"), measures=("background",), limit=12)
    for model in both.models:
        Runner(config.store()).fetch(request(both, "background", model), lambda progress: None)

    def told(view: View) -> bool:
        app = shown(**query.write(view))
        assert not app.exception and app.get("image")
        return any("another fill can turn the order of models round" in each.value for each in app.caption)

    assert told(both) and not told(both.model_copy(update={"models": ("starter-cnn",)}))


def test_models_that_know_nothing_in_common_are_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.core.errors import BadRequest
    from engine.evaluation import class_matching

    def refuse(models, data) -> None:
        raise BadRequest("They have no kind in common.")

    monkeypatch.setattr(class_matching, "check_comparable", refuse)
    app = shown(models=PAIR, measures="background", limit="17")
    assert "no kind in common" in said(app) and not [each for each in app.button if each.key == "bg_compute"]
    app = app.button(key="bg_run").click().run()
    assert "no kind in common" in said(app)


def test_what_a_model_knows_of_the_images_is_said_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.evaluation import class_matching
    from engine.evaluation.class_matching import Knowledge

    monkeypatch.setattr(class_matching, "knowledge", lambda model, data: Knowledge(model, frozenset(range(133)), 849))
    told = [each.value.replace("\\", "") for each in shown().caption]
    assert any("starter-vit knows 133 of 849 kinds here: compared on those" in each for each in told)


def test_units_of_a_layer_stand_under_what_was_counted_and_each_opens_its_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = shown()
    assert "Units of a layer" in [header.value for header in app.header]
    fields = {"model": "starter-cnn", "site": "stages.3.blocks.0", "limit": 240}
    Runner(config.store()).fetch(build(UnitCuesRequest, **fields), lambda progress: None)
    app = shown(experiment="unit-cues", **{name: str(value) for name, value in fields.items()})
    assert not app.exception and not app.error, said(app)
    assert app.title[0].value == "Units of a layer"
    told = " ".join(each.value for each in app.markdown).replace("\\", "")
    assert "units lean on the object and" in told and "would have been seen in 80% of cases" in told
    assert any("Click a point to open its unit." in each.value for each in app.caption)
    clicks = [0]

    def click(chart: Any, *rest: Any, on_click: Any, **more: Any) -> None:
        if clicks:
            on_click(list(next(each.opens for each in chart.series if each.opens)[clicks.pop()]))

    monkeypatch.setattr(units.figure, "draw", click)
    app.run()
    assert not app.exception and app.session_state["fv_view"].a.site == "stages.3.blocks.0"


def test_what_an_imported_result_says_of_its_units_is_text() -> None:
    """A file can say anything; an image would be asked for in the name of whoever looks at it."""

    def page() -> None:
        from pages.common import results
        from pages.sections.reliance import units

        units.draw(results.find("in-units"), "units")

    asked = build(UnitCuesRequest, model="starter-cnn", site="stages.3.blocks.0", limit=24)
    true = Runner(config.store()).fetch(asked, lambda progress: None)
    facts = {**true.facts, "cut": "![x](/auth/logout)", "fill": "![x](/auth/logout)", "images": "![x](/auth/logout)"}
    config.store().put("in-units", replace(true, facts=facts).to_blob())
    app = AppTest.from_function(page, default_timeout=120).run()
    told = " ".join(each.value for each in app.caption)
    assert not app.exception and told.count("/auth/logout") == 3 and "![" not in told
