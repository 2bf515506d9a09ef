"""What is typed on home opens what it names: a unit, a model, or a search for a word."""

from __future__ import annotations

import pytest

from engine.core.errors import BadRequest, Unavailable
from engine.models import catalog
from pages.common import query
from pages.common.experiments.places import SCRIPTS
from pages.common.units.view import View
from pages.sections.home import find
from tests.pages.opening import PAGES, opened, said


def test_an_address_opens_the_units_page() -> None:
    page, link = find.found("starter-vit@blocks.3.mlp.hidden:12")
    view, problems = query.read(View, link)
    assert page == SCRIPTS["visualize"] and problems == [] and view is not None
    assert str(view.a) == "starter-vit@blocks.3.mlp.hidden:12" and view.b is None


def test_the_name_of_a_model_opens_units_late_in_it() -> None:
    page, link = find.found("starter-cnn")
    assert page == SCRIPTS["visualize"] and link["a"].startswith("starter-cnn@stages.") and link["a"].endswith(":0-3")


@pytest.mark.parametrize(
    ("text", "site", "unit"),
    [
        ("starter-vit block 5 unit 123", "blocks.5.mlp.hidden", "123"),
        ("starter-vit Layer 0, unit 7", "blocks.0.mlp.hidden", "7"),
        ("starter-cnn block 3 unit 2", "stages.1.blocks.1", "2"),
    ],
)
def test_a_unit_is_found_by_what_one_would_say(text: str, site: str, unit: str) -> None:
    page, link = find.found(text)
    assert page == SCRIPTS["visualize"] and link["a"] == f"{text.split()[0]}@{site}:{unit}"


def test_anything_else_is_searched_for_in_the_units_of_the_models_that_concepts_opens_on() -> None:
    page, link = find.found("striped")
    assert page == SCRIPTS["concepts"] and link["text"] == "striped" and link["a"] == "starter-clip"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("starter-vit@blocks.3.mlp.hidden:99999", "units 0 to"),
        ("starter-vit@nowhere:1", "nowhere"),
        ("nobody@blocks.0:1", "no model"),
        ("timm/vit_bse_patch16_224", "Similar names"),
        ("starter-vit block 99 unit 1", "blocks 0 to 7"),
        ("starter-vit block 5 unit 99999", "units 0 to"),
        ("starter-vit the striped one", "Write a unit"),
    ],
)
def test_what_names_something_that_is_not_there_is_refused_in_a_sentence(text: str, told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        find.found(text)


def test_a_model_that_is_not_here_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(model: str) -> None:
        raise Unavailable(f"The weights of {model} are not here.")

    monkeypatch.setattr(catalog, "sites_of", absent)
    with pytest.raises(Unavailable, match="The weights of starter-cnn are not here"):
        find.found("starter-cnn")


def test_the_refusal_stands_below_the_field() -> None:
    app = opened(PAGES[0])
    app.text_input(key="home_search").set_value("starter-vit@nowhere:1")
    next(button for button in app.button if button.label == "Search").click().run()
    assert not app.exception and "nowhere" in said(app)
