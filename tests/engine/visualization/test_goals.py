"""Goals: what is measured is what the target says, by two routes, and pictures for goals keep the house's invariants."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.core.errors import BadRequest
from engine.data import uploads
from engine.visualization.goals import Unit, measured, suited_to, units_of
from engine.visualization.objectives import goal
from engine.visualization.optimization import batch_size, optimize
from engine.visualization.recipes import FAST, MACO, PAPER
from tests.engine.small import small_cnn, small_vit
from tests.engine.visualization.targets import HIDDEN, KEY, by_hand, direction, pictures, png, value

pytestmark = pytest.mark.usefixtures("float32")


def test_one_position_is_that_position_behind_the_prefix():
    """The grid is 4 x 4 with one CLS token in front: row 2, column 3 is token 1 + 2 * 4 + 3."""
    model, images = small_vit(), pictures()
    assert torch.allclose(value(model, HIDDEN, "7@2x3", images), by_hand(model, HIDDEN, images)[:, 12, 7], atol=1e-5)
    cnn = small_cnn()
    rows = cnn.sites["stages.1.blocks.0"].grid.width
    expected = by_hand(cnn, "stages.1.blocks.0", images)[:, rows + 2, 5]
    assert torch.allclose(value(cnn, "stages.1.blocks.0", "5@1x2", images), expected, atol=1e-5)


def test_a_direction_is_the_length_along_it():
    model, images = small_vit(), pictures()
    vector = np.random.default_rng(0).normal(size=128)
    expected = by_hand(model, HIDDEN, images)[:, 1:].mean(1) @ torch.from_numpy(vector / np.linalg.norm(vector)).float()
    assert torch.allclose(value(model, HIDDEN, direction(vector), images), expected, atol=1e-5)
    one = np.zeros(128)
    one[9] = 5
    same = measured(model, HIDDEN, images, [Unit(9)])
    assert torch.allclose(value(model, HIDDEN, direction(one), images), same, atol=1e-5)


def test_sums_and_differences_add_up():
    model, images = small_vit(), pictures()
    parts = [value(model, KEY, text, images) for text in ("3", "head0", "7@0x0")]
    together = value(model, KEY, "(3-0.5*head0+2*7@0x0)", images)
    assert torch.allclose(together, parts[0] - 0.5 * parts[1] + 2 * parts[2], atol=1e-5)


def test_an_image_matches_itself_and_is_its_own_caricature():
    model = small_vit()
    digest = uploads.keep_image(png(pictures()[0]), "own.png")
    itself = torch.from_numpy(uploads.image(digest)).permute(2, 0, 1)[None].float() / 255
    others = torch.cat([itself, pictures()[1:]])
    match, caricature = (value(model, HIDDEN, f"{kind}:up-{digest}", others) for kind in ("match", "caricature"))
    assert match[0] == pytest.approx(0, abs=1e-3) and (match[1:] < match[0] - 0.1).all()
    assert caricature[0] == pytest.approx(1, abs=1e-4)
    apart = (by_hand(model, HIDDEN, others) - by_hand(model, HIDDEN, itself)).flatten(1).norm(dim=1)
    assert torch.allclose(-match, apart, atol=1e-3)


@pytest.mark.parametrize("text", ["5@1x1", "head1", "(3-head0)", "caricature:3", "match:3"])
def test_a_picture_for_a_goal_has_the_same_bytes_alone_and_in_company(text, monkeypatch):
    recipe = FAST.model_copy(update={"steps": 5})
    monkeypatch.setitem(batch_size.SIZES, "cpu", (4,))  # in batches of one size
    model = small_vit()
    mine, others = goal(model, KEY, text), [goal(model, KEY, each) for each in ("4@1x1", "head0", "(1+2)", "match:5")]
    alone = optimize.maximize(model, KEY, [mine], recipe, seed=1)
    company = optimize.maximize(model, KEY, [Unit(7), *others, mine, Unit(2)], recipe, seed=1)
    assert alone.images[0].tobytes() == company.images[5].tobytes()
    assert alone.curves[0].tobytes() == company.curves[5].tobytes()


def test_units_beside_goals_keep_the_bytes_they_have_without():
    recipe, model = FAST.model_copy(update={"steps": 5}), small_vit()
    without = optimize.maximize(model, KEY, units_of((7, 2)), recipe, seed=1)
    beside = optimize.maximize(model, KEY, [Unit(7), Unit(2), goal(model, KEY, "head0")], recipe, seed=1)
    assert without.images.tobytes() == beside.images[:2].tobytes()


@pytest.mark.parametrize("text", ["5@1x1", "head1", "(3-head0)"])
def test_maximizing_a_goal_raises_it(text):
    model = small_vit()
    # Nothing but the picture changes the curve.
    steady = FAST.model_copy(update={"steps": 24, "colour_shift": "none", "jitter": 0})
    curve = optimize.maximize(model, KEY, [goal(model, KEY, text)], steady, 0).curves[0]
    assert curve[-4:].mean() > curve[:4].mean()


def test_what_belongs_to_a_place_is_made_with_little_jitter():
    model = small_vit()
    assert suited_to(goal(model, KEY, "5@1x1"), PAPER, model, KEY).jitter == 2  # a quarter of a patch of 8 pixels
    assert suited_to(goal(model, KEY, "head1"), PAPER, model, KEY) is PAPER
    assert suited_to(Unit(3), PAPER, model, KEY) is PAPER


def test_a_recipe_with_a_large_canvas_makes_targets_at_a_place_by_themselves():
    model = small_vit()
    with pytest.raises(BadRequest, match="separately"):
        optimize.maximize(model, KEY, [Unit(3), goal(model, KEY, "5@1x1")], MACO, 0)


def test_a_site_with_one_value_for_the_whole_image_has_a_finish_of_its_own():
    model = small_vit()
    assert [suited_to(Unit(3), FAST, model, site).finish for site in (KEY, "head.logits")] == [
        FAST.finish,
        FAST.finish_whole,
    ]
