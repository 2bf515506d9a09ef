"""The page "Background and texture": it opens, offers what is not there, shows what is, and says what is wrong."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.common import query
from pages.sections.reliance.view import View, request
from tests.pages.opening import opened, said

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
    assert app.button(key="bg_compute").label == "Compute"


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


def test_results_that_are_there_are_shown_model_by_model() -> None:
    """Twelve images of one model: its section and images stand, and the other model is offered."""
    from engine.core import config
    from engine.jobs.runner import Runner

    view = View(models=("starter-cnn", "starter-vit"), measures=("background",), limit=12)
    Runner(config.store()).fetch(request(view, "background", "starter-cnn"), lambda progress: None)
    app = shown(**query.write(view))
    assert not app.exception and not app.error, said(app)
    assert [header.value for header in app.header] == ["Object and background", "Images"]
    assert app.button(key="bg_compute").label == "Compute"
    assert any("starter-cnn classifies" in each.value.replace("\\", "") for each in app.markdown)
    assert app.query_params["models"] in ("starter-cnn,starter-vit", ["starter-cnn,starter-vit"])
