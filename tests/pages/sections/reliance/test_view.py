"""The page "Background and texture": its links, and what it asks for. Results here are made up, nothing is computed."""

from __future__ import annotations

import pytest

from engine.core.errors import BadRequest
from pages.common import query
from pages.sections.reliance.view import MEASURES, View, knows, parts, refusal, request, suitable, summary


def test_a_link_gives_back_its_view() -> None:
    view = View(
        models=("starter-vit", "timm/resnet50.a1_in1k"), data="photos", measures=("texture", "background"), cut="saliency",
        fills=("tile", "black"), filter="gaussian", limit=0, number="top5_normalised", kind="n02123045 tabby, cat",
    )  # fmt: skip
    assert query.read(View, query.write(view)) == (view, [])
    assert view.measures == ("background", "texture") and view.fills == ("black", "tile")
    assert query.write(View(models=("starter-vit",))) == {"models": "starter-vit"}
    assert "segmented by the saliency network" in summary(view)


def test_a_link_may_name_a_filter_whose_scenes_are_shown() -> None:
    view = View(models=("starter-vit",), at=7)
    assert query.read(View, query.write(view)) == (view, []) and "at" not in query.write(View(models=("starter-vit",)))


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


def test_a_model_without_classes_is_refused_before_anything_runs_and_is_not_said_to_know_kinds() -> None:
    assert refusal(View(models=("starter-vit",))) is None
    refused = refusal(View(models=("starter-vit", "starter-clip")))
    assert refused is not None and "starter-clip does not classify" in refused
    assert knows(["starter-clip"], "starter") == []
