"""The page "Background and texture": its links, and what it asks for. Results here are made up, nothing is computed."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.errors import BadRequest
from pages.common import query
from pages.sections.reliance.view import MEASURES, View, parts, request, suitable, summary
from tests.pages.test_pages import no_job_is_left_behind, opened, said  # noqa: F401

PAGE = "pages/background.py"
PAIR = "starter-vit,starter-cnn"


def test_a_link_gives_back_its_view() -> None:
    view = View(
        models=("starter-vit", "timm/resnet50.a1_in1k"), data="photos", measures=("texture", "background"), cut="saliency",
        fills=("tile", "black"), filter="gaussian", limit=0, number="top5_normalised", kind="n02123045 tabby, cat",
    )  # fmt: skip
    assert query.read(View, query.write(view)) == (view, [])
    assert view.measures == ("background", "texture") and view.fills == ("black", "tile")
    assert query.write(View(models=("starter-vit",))) == {"models": "starter-vit"}
    assert "segmented by the saliency network" in summary(view)


def test_there_is_one_request_a_model_and_measurement() -> None:
    both = parts(View(models=("starter-vit", "starter-cnn")))
    one = parts(View(models=("starter-vit",)))
    assert [part.name for part in both] == [
        *("background/starter-vit", "background/starter-cnn", "frequency/starter-vit", "frequency/starter-cnn")
    ]
    keys = {part.request.key() for part in both}
    assert {part.request.key() for part in one} <= keys and len(keys) == 4, "a second model computes only the new one"


def test_how_it_is_looked_at_asks_for_nothing_new() -> None:
    view = View(models=("starter-vit",))
    other = view.model_copy(update={"number": "top5", "kind": "penguin"})
    assert [part.request.key() for part in parts(view)] == [part.request.key() for part in parts(other)]


def test_every_measurement_has_a_request() -> None:
    view = View(models=("starter-vit",))
    assert len({request(view, measure, "starter-vit").experiment for measure in MEASURES}) == len(MEASURES)
    with pytest.raises(BadRequest, match="no experiment"):
        request(view, "taste", "starter-vit")


def test_a_data_set_offers_what_it_allows() -> None:
    measures, cuts = suitable("starter")
    assert measures == ("background", "frequency", "counterfactual", "texture", "spectrum") and cuts == (
        "box",
        "mask",
        "saliency",
    )
    measures, cuts = suitable("photos")
    assert "counterfactual" not in measures and cuts == ("saliency",)


def test_links_with_an_experiments_former_name_show_the_same() -> None:
    former = View(models=("starter-vit",), measures=("places", "gradients"))
    assert former == View(models=("starter-vit",), measures=("counterfactual", "spectrum"))
    assert query.read(View, {"models": "starter-vit", "measures": "places,gradients"}) == (former, [])


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
