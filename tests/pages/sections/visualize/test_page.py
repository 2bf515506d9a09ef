"""The page "Feature visualization": links, widgets and what they ask for, and what is wrong said in a sentence."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT
from tests.pages.opening import GOOD, VISUALIZATION, opened, said


@pytest.mark.parametrize("garbage", ["nonsense", "starter-vit@@@:::", "<img src=x>", "%00", "a" * 3000])
def test_a_link_with_garbage_gives_one_notice_and_the_usual_page(garbage: str) -> None:
    app = opened(VISUALIZATION, a=garbage)
    assert not app.exception and not app.error
    assert len(app.warning) == 1 and "a:" in app.warning[0].value.replace("\\", "")
    assert app.button(key="fv_run").disabled is False


@pytest.mark.parametrize(
    "address, told",
    [
        ("no-such-model@blocks.0.mlp.hidden:0", "no model"),
        ("starter-vit@blocks.99.mlp.hidden:0", "no site"),
        ("starter-vit@blocks.6.mlp.hidden:100000", "has units 0 to"),
    ],
)
def test_a_link_to_what_is_not_there_says_so_and_computes_nothing(address: str, told: str) -> None:
    app = opened(VISUALIZATION, a=address)
    assert not app.exception
    assert told in said(app).replace("\\", "")
    assert not [button for button in app.button if button.key == "fv_compute"]


def test_a_link_whose_result_is_not_there_offers_to_compute_it() -> None:
    app = opened(VISUALIZATION, a=GOOD, seed="987654")
    assert not app.exception and not app.error, said(app)
    assert app.button(key="fv_compute").label == "Compute"


@pytest.mark.parametrize(
    "units, told",
    [("", "No units given"), ("   ", "No units given"), ("seven", "is not a unit"), ("0-9999", "More than")],
)
def test_units_that_cannot_be_read_are_explained_and_nothing_runs(units: str, told: str) -> None:
    app = opened(VISUALIZATION)
    app.text_input(key="fv_a_units").set_value(units).run()
    assert told in said(app)
    assert app.button(key="fv_run").disabled


def test_the_text_field_is_labelled_units_and_the_choice_beside_it_says_how_they_are_selected() -> None:
    app = opened(VISUALIZATION)
    for side in ("a", "b"):
        assert app.text_input(key=f"fv_{side}_units").label == "Units"
        assert app.segmented_control(key=f"fv_{side}_how").label == "Select units by"


def test_a_unit_that_the_layer_does_not_have_is_explained() -> None:
    app = opened(VISUALIZATION)
    app.text_input(key="fv_a_units").set_value("0, 1000").run()
    assert "has units 0 to" in said(app).replace("\\", "")
    assert app.button(key="fv_run").disabled


def test_random_units_depend_on_their_seed_alone() -> None:
    app = opened(VISUALIZATION)
    app.segmented_control(key="fv_a_how").set_value("Random").run()

    def drawn(seed: int) -> str:
        app.number_input(key="fv_a_draw").set_value(seed).run()
        return next(each.value for each in app.caption if each.value.startswith("Units "))

    first = drawn(1)
    assert drawn(2) != first and drawn(1) == first


def test_a_click_on_the_picture_picks_the_layer() -> None:
    app = opened(VISUALIZATION)
    app.selectbox(key="fv_a_layer").set_value("blocks.2.attn.key").run()
    assert app.selectbox(key="fv_a_layer").value == "blocks.2.attn.key"
    assert not app.exception and not app.error


def test_choosing_a_model_by_an_unknown_name_is_explained() -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.session_state["fv_a_model"] = "starter-vut"
    app.switch_page(VISUALIZATION).run()
    assert not app.exception
    assert "starter-vit" in said(app).replace("\\", "")


def test_pressing_run_asks_for_what_the_widgets_say() -> None:
    from engine.jobs.scheduler import jobs

    app = opened(VISUALIZATION)
    app.text_input(key="fv_a_units").set_value("5").run()
    app.number_input(key="fv_seed").set_value(41).run()
    app.button(key="fv_run").click().run()
    asked = [job.request.model_dump() for job in jobs().active()]
    assert {(each["model"], each["units"], each["seed"]) for each in asked if each.get("seed") == 41} >= {
        ("starter-vit", (5,), 41)
    }
    assert app.query_params["a"].endswith(":5")


def test_targets_are_taken_by_the_unit_box_and_stand_in_the_address() -> None:
    from engine.jobs.scheduler import jobs

    app = opened(VISUALIZATION)
    app.selectbox(key="fv_a_layer").set_value("blocks.2.attn.key").run()
    app.text_input(key="fv_a_units").set_value("3, head1, (0-3), 5@2x4").run()
    app.number_input(key="fv_seed").set_value(43).run()
    app.text_input(key="fv_start").set_value("17").run()
    assert not app.exception and not app.error, said(app)
    app.button(key="fv_run").click().run()
    asked = [job.request.model_dump() for job in jobs().active()]
    assert [(each["targets"], each["start"]) for each in asked if each.get("targets")] == [
        (("head1", "(0-3)", "5@2x4"), "17")
    ]
    assert app.query_params["a"].endswith("blocks.2.attn.key:3,head1,(0-3),5@2x4")


@pytest.mark.parametrize(
    "units, told",
    [("head99", "has heads 0 to"), ("5@99x0", "positions"), ("(3", "not a target"), ("match:999999", "no image")],
)
def test_targets_that_the_layer_does_not_have_are_explained(units: str, told: str) -> None:
    app = opened(VISUALIZATION)
    app.selectbox(key="fv_a_layer").set_value("blocks.2.attn.key").run()
    app.text_input(key="fv_a_units").set_value(units).run()
    assert told in said(app).replace("\\", "")
    assert app.button(key="fv_run").disabled


@pytest.mark.parametrize(
    ("models", "data"),
    [
        (("starter-vit", "starter-cnn"), "starter"),
        (("starter-vit", "efficientnet-lite0"), "photos"),
        (("dinov2-s14-saliency", "efficientnet-lite0"), "photos"),
        (("starter-vit", "no-such-model"), "kept"),
    ],
)
def test_scenes_are_taken_from_images_like_those_that_the_models_learned_from(
    models: tuple[str, str], data: str
) -> None:
    def script() -> None:
        from pages.sections.visualize import pickers

        pickers._suit_data()

    app = AppTest.from_function(script)
    app.session_state["fv_data"] = "kept"
    app.session_state["fv_a_model"], app.session_state["fv_b_model"] = models
    app.run()
    assert not app.exception and app.session_state["fv_data"] == data
