"""The strongest image: sought among a hundred under augmentations, measured anew, and the same in any company."""

from __future__ import annotations

import numpy as np
import torch

from engine.visualization.goals import units_of
from engine.visualization.objectives import goal
from engine.visualization.scoring.fresh import FRESH, fresh_copies, on_all
from engine.visualization.scoring.strongest import MOST, Images, strongest
from tests.engine.small import small_vit

SITE = "blocks.2.mlp.hidden"
# Of every colour and contrast: coarse noise, four pixels a spot.
_SPOTS = np.random.default_rng(0).random((140, 8, 8, 3)) * np.random.default_rng(1).random((140, 1, 1, 3)) * 255
PIXELS = _SPOTS.repeat(4, 1).repeat(4, 2).astype(np.uint8)


def images(model, goals, numbers: np.ndarray | None = None, asked: list[int] | None = None) -> Images:
    numbers = np.arange(140) if numbers is None else numbers
    shown = torch.from_numpy(PIXELS[numbers]).permute(0, 3, 1, 2).float() / 255

    def read(number: int) -> np.ndarray:
        if asked is not None:
            asked.append(number)
        return PIXELS[number]

    return Images(on_all(model, SITE, goals, shown), numbers, read)


def test_the_hundred_strongest_are_all_augmented_and_no_other():
    model, goals, asked = small_vit(), units_of((4,)), list[int]()
    whole = images(model, goals, asked=asked)
    strongest(model, SITE, goals, whole, seed=0)
    assert set(asked) == set(np.argsort(-whole.values[:, 0])[:MOST].tolist()) and MOST == 100


def test_it_finds_what_a_search_through_all_of_them_finds():
    """The other route: sixteen copies of every image. The best of few close ones may differ, its activation hardly."""
    model, goals = small_vit(), units_of((4, 9, 50))
    found = strongest(model, SITE, goals, images(model, goals), seed=0)
    floats = PIXELS.transpose(0, 3, 1, 2).astype(np.float32) / 255
    for place, one in enumerate(goals):
        every = fresh_copies(model, SITE, [one] * 140, floats, seed=5).mean(1)
        assert every[found.rows[place]] > np.sort(every)[-8], "one of the very strongest"
        assert abs(found.copies[place].mean() - every[found.rows[place]]) < 4 * found.copies[place].std() / 4


def test_a_picture_that_is_the_strongest_image_itself_has_a_ratio_of_one():
    model, goals = small_vit(), units_of((4, 9))
    whole = images(model, goals)
    found = strongest(model, SITE, goals, whole, seed=0)
    shown = (PIXELS[found.rows].transpose(0, 3, 1, 2) / 255).astype(np.float32)
    ratio = fresh_copies(model, SITE, goals, shown, seed=0).mean(1) / found.copies.mean(1)
    assert (abs(ratio - 1) < 0.2).all()
    assert found.as_is.tolist() == whole.values.max(0).tolist()


def test_a_goal_has_the_same_number_alone_and_in_company():
    model, goals = small_vit(), units_of((4, 9, 50))
    together = strongest(model, SITE, goals, images(model, goals), seed=0)
    alone = strongest(model, SITE, goals[1:2], images(model, goals[1:2]), seed=0)
    assert together.rows[1] == alone.rows[0] and together.copies[1].tolist() == alone.copies[0].tolist()


def test_fewer_than_a_hundred_images_are_all_taken():
    model, goals = small_vit(), units_of((4,))
    found = strongest(model, SITE, goals, images(model, goals, np.arange(3)), seed=0)
    assert found.rows[0] in (0, 1, 2) and found.copies.shape == (1, FRESH.copies)


def test_what_is_scored_as_it_is_is_compared_with_images_as_they_are():
    model = small_vit()
    goals = [goal(model, SITE, "match:17")]
    whole = images(model, goals)
    found = strongest(model, SITE, goals, whole, seed=0)
    assert found.rows[0] == whole.values[:, 0].argmax() and set(found.copies[0]) == {whole.values.max()}


def test_scoring_a_picture_costs_less_than_three_tenths_of_making_it_with_fast():
    """Passes of one unit alone; a step is a pass and its gradient, about three."""
    from engine.visualization.recipes import FAST
    from engine.visualization.scoring.controls import SCRAMBLES, SHARED
    from engine.visualization.scoring.strongest import COPIES, FINALISTS

    search = MOST + FINALISTS * COPIES + FRESH.copies
    assert search + 2 * FRESH.copies + SHARED * SCRAMBLES + 1 < 0.3 * 3 * FAST.passes
