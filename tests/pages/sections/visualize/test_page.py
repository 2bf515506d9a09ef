"""The page "Feature visualization": links, widgets and what they ask for, and what is wrong said in a sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from engine.core.address import Address
from pages.common.experiment_page import VIEWING
from pages.common.units.view import View
from pages.sections.visualize import wall
from tests.conftest import ROOT
from tests.pages.opening import GOOD, VISUALIZATION, opened, said


def texts(app: AppTest) -> str:
    """What the page says in plain text."""
    return "\n".join(each.value for each in app.markdown)


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
    assert "Not made yet" not in texts(app)


def test_a_link_whose_result_is_not_there_says_what_is_to_be_made_and_one_run_makes_it() -> None:
    app = opened(VISUALIZATION, a=GOOD, seed="987654")
    assert not app.exception and not app.error, said(app)
    assert "Not made yet: units 0 to 3 of starter-vit." in texts(app)
    assert [button.key for button in app.button if button.label == "Run"] == ["fv_run"]
    assert app.button(key="fv_compute").label.startswith("Make 4 pictures (about ")


def test_the_button_beside_what_is_not_made_makes_the_unit_that_is_shown() -> None:
    from engine.jobs.scheduler import jobs

    app = opened(VISUALIZATION, a="starter-vit@blocks.6.mlp.hidden:7", seed="4321")
    assert app.button(key="fv_compute").label.startswith("Make its picture (about ")
    assert "On all images" not in [each.value for each in app.header], (
        "nothing stands under it before the layer is indexed"
    )
    app.button(key="fv_compute").click().run()
    assert not app.exception and not app.error, said(app)
    asked = [job.request.model_dump() for job in jobs().active()]
    assert [each["units"] for each in asked if each.get("seed") == 4321] == [(7,)]


def test_who_may_not_compute_is_told_so_and_has_no_button(configured: Callable[..., None]) -> None:
    configured(access={"visitors": "viewer"})
    app = opened(VISUALIZATION, a=GOOD, seed="987654")
    assert VIEWING in texts(app) and "fv_compute" not in [button.key for button in app.button]


def test_each_unit_of_it_has_its_card_before_its_picture_is_made() -> None:
    app = opened(VISUALIZATION, a=GOOD, seed="987654")
    assert [caption.value for caption in app.caption].count("Not made yet") == 4


@pytest.mark.parametrize(
    "units, told",
    [("", "No units given"), ("   ", "No units given"), ("seven", "is not a unit"), ("0-9999", "More than")],
)
def test_units_that_cannot_be_read_are_explained_and_nothing_runs(units: str, told: str) -> None:
    app = opened(VISUALIZATION)
    app.text_input(key="fv_a_units").set_value(units).run()
    assert told in said(app)
    assert app.button(key="fv_run").disabled


def test_through_the_depth_each_picture_has_its_place_and_leads_to_its_unit_before_it_is_made() -> None:
    app = opened(VISUALIZATION, a="starter-cnn@stages.2.blocks.1:3,5", view="depth", seed="987654")
    assert not app.exception and not app.error, said(app)
    tiles = [each.proto for each in app.get("page_link") if "not made yet" in each.proto.label]
    assert [tile.label for tile in tiles] == ["3 · not made yet", "5 · not made yet"] * 8
    assert "starter-cnn%40stages.0.blocks.0%3A3" in tiles[0].query_string


def test_every_control_of_the_line_says_which_side_it_is_of() -> None:
    app = opened(VISUALIZATION)
    for side, letter in (("a", "A"), ("b", "B")):
        assert app.selectbox(key=f"fv_{side}_model").label == f"Model {letter}"
        assert app.selectbox(key=f"fv_{side}_layer").label == f"Layer of {letter}"
        assert app.text_input(key=f"fv_{side}_units").label == f"Units of {letter}"


def test_the_page_opens_on_its_example_under_a_bare_address() -> None:
    from pages.common.units.view import example

    app = opened(VISUALIZATION)
    assert app.text_input(key="fv_a_units").value == example().a.written
    assert example().b is not None and app.text_input(key="fv_b_units").value == example().b.written
    assert not app.query_params


def test_each_recipe_is_explained_in_a_sentence() -> None:
    from engine.visualization.recipes import RECIPES

    app = opened(VISUALIZATION)
    assert list(app.radio(key="fv_recipe").options) == list(RECIPES)
    captions = app.radio(key="fv_recipe").proto.captions
    assert all(caption.endswith(".") for caption in captions) and len(captions) == len(RECIPES)


def test_a_unit_that_the_layer_does_not_have_is_explained() -> None:
    app = opened(VISUALIZATION)
    app.text_input(key="fv_a_units").set_value("0, 1000").run()
    assert "has units 0 to" in said(app).replace("\\", "")
    assert app.button(key="fv_run").disabled


def test_random_units_depend_on_their_seed_alone() -> None:
    app = opened(VISUALIZATION)

    def drawn(seed: int) -> str:
        app.number_input(key="fv_a_draw").set_value(seed).run()
        app.button(key="fv_a_At random").click().run()
        return app.text_input(key="fv_a_units").value

    first = drawn(1)
    assert drawn(2) != first and drawn(1) == first and len(first.split(",")) > 2


def test_units_that_another_layer_does_not_have_are_let_go_when_it_is_chosen() -> None:
    app = opened(VISUALIZATION)
    app.text_input(key="fv_a_units").set_value("700, 5, 3").run()
    app.selectbox(key="fv_a_layer").set_value("blocks.2.attn.key").run()  # 192 units
    assert not app.exception and not app.error, said(app)
    assert app.selectbox(key="fv_a_layer").value == "blocks.2.attn.key"
    assert app.text_input(key="fv_a_units").value == "5,3"


def test_the_first_units_are_chosen_where_another_layer_has_none_of_those_that_were() -> None:
    app = opened(VISUALIZATION)
    app.text_input(key="fv_a_units").set_value("700").run()
    app.selectbox(key="fv_a_layer").set_value("blocks.2.attn.key").run()
    assert not app.exception and not app.error, said(app)
    assert app.text_input(key="fv_a_units").value == "0-7"


def test_units_that_another_model_does_not_have_are_let_go_when_it_is_chosen() -> None:
    app = opened(VISUALIZATION)
    app.text_input(key="fv_a_units").set_value("700, 5, 3").run()
    app.selectbox(key="fv_a_model").set_value("starter-cnn").run()  # 288 units at most
    assert not app.exception and not app.error, said(app)
    assert app.text_input(key="fv_a_units").value == "5,3"


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
    ("models", "before", "data"),
    [
        (("starter-vit", "starter-cnn"), "photos", "starter"),
        (("starter-vit", "efficientnet-lite0"), "starter", "photos"),
        (("dinov2-s14-saliency", "efficientnet-lite0"), "starter", "photos"),
        (("starter-vit", "no-such-model"), "photos", "photos"),
        (("starter-vit", "starter-cnn"), "mine", "mine"),
    ],
)
def test_scenes_are_taken_from_images_like_those_that_the_models_learned_from_unless_a_person_chose_their_own(
    models: tuple[str, str], before: str, data: str
) -> None:
    def script() -> None:
        from pages.sections.visualize import pickers

        pickers._suit_data()

    app = AppTest.from_function(script)
    app.session_state["fv_data"] = before
    app.session_state["fv_a_model"], app.session_state["fv_b_model"] = models
    app.run()
    assert not app.exception and app.session_state["fv_data"] == data


@pytest.mark.parametrize(("a", "b", "beside"), [((1,), (2,), True), ((1,), (1, 2, 3, 4), False), ((1,), (), False)])
def test_two_sides_stand_beside_each_other_only_where_both_are_small(
    a: tuple[int, ...], b: tuple[int, ...], beside: bool
) -> None:
    other = Address("starter-cnn", "stages.2.blocks.1", b) if b else None
    assert wall.in_halves(View(a=Address("starter-vit", "blocks.5.mlp.hidden", a), b=other)) == beside
