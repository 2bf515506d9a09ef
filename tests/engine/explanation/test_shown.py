"""What is asked about: images that are independent, units that do something, pictures that are found again."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import BadRequest
from engine.data.registry import open_dataset
from engine.explanation.explains import ExplainsRequest
from engine.explanation.shown import Which, asked, counted, drawn, groups, layers, pictures
from engine.visualization import recipes
from engine.visualization.single import PictureRequest
from tests.engine.explanation.planted import Colours, Desk


def test_control_variants_of_scenes_are_not_asked_about_and_scenes_of_one_object_go_together():
    scenes = open_dataset("starter")
    rows = counted(scenes, np.arange(len(scenes)))
    assert {scenes.describe(int(row))["variant"] for row in rows[:50]} == {"home", "other"} and len(rows) == 1698
    apart = groups(scenes, rows)
    assert len(np.unique(apart)) == 849
    one = scenes.matched_sets()[7]
    assert apart[rows == one["home"]] == apart[rows == one["other"]]


def test_units_are_drawn_of_those_that_do_something():
    values = np.random.default_rng(0).normal(size=(50, 10))
    values[:, ::2] = 3
    assert drawn(values, 10, 0) == (1, 3, 5, 7, 9) and len(drawn(values, 2, 0)) == 2


def test_a_picture_that_is_there_is_shown_and_not_made_again(world):
    desk = Desk()
    (each,) = asked(Which("colours", ("stages.0.blocks.0",), (2,), 1, 0), Colours(), "colours", desk)
    (image,) = pictures("colours", each, "brief", 0, desk)
    request = PictureRequest(model="colours", site=each.site, wanted="2", recipe="brief", seed=0)
    assert np.array_equal(desk.kept[request.key()].arrays["image"], image)
    desk.kept[request.key()].arrays["image"] = np.zeros_like(image)
    assert not pictures("colours", each, "brief", 0, desk)[0].any()


def test_no_picture_is_made_that_has_more_pixels_than_the_settings_allow_and_one_that_is_there_is_shown(
    world, configured
):
    desk = Desk()
    (each,) = asked(Which("colours", ("stages.0.blocks.0",), (2,), 1, 0), Colours(), "colours", desk)
    pictures("colours", each, "brief", 0, desk)
    configured(limits={"pixels_per_picture": 1000})
    pictures("colours", each, "brief", 0, desk)
    with pytest.raises(BadRequest, match="pixels_per_picture"):
        pictures("colours", each, "brief", 1, desk)


def test_layers_are_those_where_units_are_looked_at(world):
    assert layers(world["colours"]) == ["stages.0.blocks.0", "stages.1.blocks.0"]


def test_a_changed_recipe_gives_another_key_and_another_recipes_change_does_not(world, monkeypatch):
    request = ExplainsRequest(model="colours", observer="painter", recipes=("brief",))
    before = request.key()
    monkeypatch.setitem(recipes.RECIPES, "paper", recipes.PAPER.model_copy(update={"steps": 3}))
    assert request.key() == before
    monkeypatch.setitem(recipes.RECIPES, "brief", recipes.RECIPES["brief"].model_copy(update={"steps": 3}))
    assert request.key() != before
