"""The page of claims: it opens on the starter pair and computes nothing, shows verdicts of what is there, and says why the rest
cannot be told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine.claims.claim import Part
from engine.claims.order import CLAIMS, STARTER
from engine.claims.order import parts as parts_of
from engine.core import config
from engine.core.request import build
from engine.jobs.runner import Runner
from engine.models import catalog
from engine.reliance.background import BackgroundRequest
from pages.common import query
from pages.sections.claims import cards, closer
from pages.sections.claims.ahead import look_ahead
from pages.sections.claims.view import OWN, REAL, ClaimsView, example, pair_of, pairs, requests
from pages.sections.reliance.view import View
from tests.conftest import ROOT
from tests.engine.claims.planted import explained, layers
from tests.pages.opening import figure_of, said

PHOTOS = ClaimsView(a="starter-vit", b="starter-cnn", data="photos")


@pytest.fixture(autouse=True)
def nothing_remembered(own_store: Path) -> Iterator[None]:
    """Pages remember verdicts by the keys of results, which these tests plant anew."""
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def opened(**link: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params.update(link)
    return app.run().switch_page("pages/claims.py").run()


def text(app: AppTest) -> str:
    return "\n".join(each.value for each in (*app.markdown, *app.caption)).replace("\\", "")


def keep(name: str, result) -> None:
    """Store a planted result as what this part of the starter pair's claims gave."""
    request = parts_of(STARTER)[name].request
    result.request = request.model_dump(mode="json") | {"experiment": request.experiment, "version": request.version}
    Runner(config.store()).keep(request, result)


def test_what_was_looked_at_ahead_is_not_made_again_by_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    keep("spatial-layers-a", layers("position_r2", (0.9, 0.89, 0.88, 0.2)))
    look_ahead()
    position, made = next(claim for claim in CLAIMS if claim.name == "position"), []
    monkeypatch.setattr(type(position), "verdict", lambda *given: made.append(given))
    app = opened()
    assert not app.exception and not app.error, said(app)
    assert made == []


def test_the_page_opens_on_the_starter_pair_and_says_what_is_to_be_computed() -> None:
    app = opened()
    assert not app.exception and not app.error, said(app)
    assert [each.value for each in app.header] == [f"{n}. {claim.title}" for n, claim in enumerate(CLAIMS, 1)]
    assert "10 of 10 measurements are not computed yet" in text(app) and "on two cores" in text(app)
    assert app.button(key="cl_compute").label == "Run all" and app.session_state["cl_clip"] == "starter-clip"


def test_what_is_there_is_judged_and_the_rest_is_offered_claim_by_claim() -> None:
    keep("explains-a", explained(0.9, 0.6, 0.6, 0.6))
    keep("spatial-layers-a", layers("position_r2", (0.9, 0.89, 0.88, 0.2)))
    app = opened()
    assert not app.exception and not app.error, said(app)
    assert "Holds" in text(app) and "Of 7 claims 1 holds, 6 not computed yet." in text(app)
    assert "cl_run_reading" not in [each.key for each in app.button]
    assert app.button(key="cl_run_position").label.startswith("Run")


def test_pictures_that_the_observer_saw_stand_on_the_card() -> None:
    result = explained(0.9, 0.6, 0.6, 0.6, units=4)
    result.arrays["pictures_fast"] = np.zeros((16, 8, 8, 3), np.uint8)
    keep("explains-a", result)
    app = opened()
    assert not app.exception and len(app.get("image")) == 4
    assert "Pictures of units 0, 1, 2, 3 of starter-vit" in text(app)
    texts, pixels, numbers = figure_of(app, "claim-reading-pictures")
    assert len(pixels) == len(numbers) == 4 and texts[0].startswith("Feed-forward units read better")


def test_a_verdict_goes_with_its_results() -> None:
    keep("explains-a", explained(0.6, 0.8, 0.8, 0.8))
    assert "Of 7 claims 1 does not hold" in text(opened())


def test_a_link_gives_back_its_view() -> None:
    for view in (example(), PHOTOS, *pairs().values()):
        assert query.read(ClaimsView, query.write(view)) == (view, [])
    assert pair_of(example()) == "Starter pair" and pair_of(PHOTOS) == "Your own"


def test_images_that_cannot_tell_say_why_and_nothing_is_offered_for_them() -> None:
    app = opened(**query.write(PHOTOS))
    assert not app.exception and not app.error, said(app)
    assert app.session_state["cl_pair"] == "Your own"
    assert "takes 26" in text(app) and "neither masks nor boxes" in text(app) and "no CLIP is chosen" in text(app)
    assert "none of the data set's classes" in text(app)
    assert [each.key for each in app.button if str(each.key).startswith("cl_run_")] == [
        "cl_run_position",
        "cl_run_pooling",
    ]


@pytest.mark.parametrize(
    "link, told",
    [
        ({"a": "no-such-model"}, "no model"),
        ({"a": "starter-vit", "data": "../x"}, "no data set"),
        ({"b": "starter-vit"}, "a:"),
    ],
)
def test_a_link_that_cannot_be_followed_is_explained(link: dict[str, str], told: str) -> None:
    app = opened(**link)
    assert not app.exception and (told in said(app).replace("\\", "") or "names no model" in said(app))


def test_choosing_the_real_pair_fills_the_controls_and_computes_nothing() -> None:
    app = opened()
    app.segmented_control(key="cl_pair").set_value(REAL).run()
    assert not app.exception and not app.error, said(app)
    assert app.session_state["cl_view"] == pairs()[REAL] and app.session_state["cl_data"] == "photos"
    assert app.session_state["cl_batch"] is None
    assert "no classes to answer with" in text(app)


def test_a_pair_that_is_shown_takes_the_controls_back_from_models_that_were_never_run() -> None:
    app = opened()
    app.selectbox(key="cl_a").set_value("starter-cnn").run()
    assert app.session_state["cl_pair"] == OWN
    app.segmented_control(key="cl_pair").set_value("Starter pair").run()
    assert app.session_state["cl_a"] == "starter-vit" and app.session_state["cl_view"] == example()


def test_what_run_will_take_is_said_of_a_choice_that_is_not_shown_yet() -> None:
    app = opened()
    assert "2 of 2 measurements" not in text(app)
    app.selectbox(key="cl_data").set_value("photos").run()
    assert "2 of 2 measurements are not computed yet: under a minute on two cores." in text(app)
    asked = parts_of(PHOTOS.subject)["spatial-layers-a"].request
    result = layers("position_r2", (0.9, 0.89, 0.88, 0.2))
    result.request = asked.model_dump(mode="json") | {"experiment": asked.experiment, "version": asked.version}
    Runner(config.store()).keep(asked, result)
    assert "One measurement is not computed yet" in text(app.run())


def test_what_run_will_take_is_not_guessed_of_a_model_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def guesses(app: AppTest) -> list[str]:
        return [each.value for each in app.caption if "measurements are not computed yet" in each.value]

    app = opened()
    assert len(guesses(app.selectbox(key="cl_data").set_value("photos").run())) == 1
    find = catalog.find
    monkeypatch.setattr(catalog, "find", lambda name: replace(find(name), available=name != "starter-clip"))
    assert guesses(app.run()) == []


def test_each_claim_is_shown_more_closely_somewhere() -> None:
    subject, found = STARTER, [closer.look(claim.parts(STARTER), STARTER) for claim in CLAIMS]
    assert [where and where[0] for where in found] == [
        "visualize", "spatial", "spatial", "spatial", "reliance", "reliance", "concepts"
    ]  # fmt: skip
    assert found[-1] == ("concepts", {"a": subject.clip, "b": subject.a, "data": subject.data, "show": "purity"})
    assert found[4] == ("reliance", {"models": "starter-vit,starter-cnn", "data": "starter", "measures": "background"})
    assert found[5] == ("reliance", {"models": "starter-vit,starter-cnn", "data": "starter", "measures": "frequency"})
    assert closer.look(CLAIMS[0].parts(PHOTOS.subject), PHOTOS.subject) is None


def test_what_was_cut_by_the_saliency_network_is_shown_more_closely_as_it_was_cut() -> None:
    asked = Part("a", "", build(BackgroundRequest, model="starter-vit", data="photos", cut="saliency"))
    where = closer.look([asked], PHOTOS.subject)
    assert where is not None and where[1]["cut"] == "saliency" and where[1]["data"] == "photos"
    assert query.read(View, where[1])[1] == []


def test_every_part_is_asked_for_once() -> None:
    asked = requests(example())
    assert len({request.key() for request in asked}) == len(asked) == 10


@pytest.mark.parametrize(
    ("where", "what", "asked"),
    [
        (("spatial", {"a": "vit"}), "0.5", {"a": "vit", "depth": "0.5"}),
        (("reliance", {"models": "vit,cnn"}), "vit|2", {"models": "vit,cnn", "look": "vit|2"}),
        (("visualize", {"experiment": "explains", "data": "d"}), "vit@s:1", {"a": "vit@s:1", "data": "d"}),
    ],
)
def test_a_point_opens_its_block_its_images_or_its_units(where: Any, what: str, asked: dict[str, str]) -> None:
    assert where[0] in closer.POINTS and closer.at(where, what) == asked


def test_a_dot_of_the_reading_claim_opens_the_units_whose_pictures_were_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    keep("explains-a", explained(0.9, 0.6, 0.6, 0.6))
    clicks = iter([1])

    def draw(chart: Any, *rest: Any, key: str, on_click: Any = None, **more: Any) -> None:
        if key == "claim-reading" and (point := next(clicks, None)) is not None:
            on_click(list(chart.series[0].opens[point]))

    monkeypatch.setattr(cards.charts, "draw", draw)
    app = opened()
    app.run()
    assert not app.exception and str(app.session_state["fv_view"].a) == "starter-vit@blocks.2.attn.query:0-3"


def test_a_block_of_a_claims_curve_opens_its_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    table = layers("position_r2", (0.9, 0.89, 0.88, 0.2))
    table.tables["layers"] = table.tables["layers"].assign(layer=range(4), depth=[0.25, 0.5, 0.75, 1.0])
    keep("spatial-layers-a", table)
    clicks = iter([2])

    def draw(chart: Any, *rest: Any, key: str, on_click: Any = None, **more: Any) -> None:
        if key == "claim-position" and (point := next(clicks, None)) is not None:
            on_click(list(chart.series[0].opens[point]))

    monkeypatch.setattr(cards.charts, "draw", draw)
    app = opened()
    assert not app.exception and app.title[0].value != "Spatial probe"
    app.run()
    assert not app.exception and app.title[0].value == "Spatial probe"
    assert (
        app.session_state["sp_view"].depth == pytest.approx(2 / 3) and app.session_state["sp_view"].a == "starter-vit"
    )
