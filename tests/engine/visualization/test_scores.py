"""Scores of pictures: known answers for the table, and the same number for a picture whatever else is scored."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.visualization.goals import units_of
from engine.visualization.optimization.seeding import Draws, Purpose
from engine.visualization.progress import as_floats
from engine.visualization.scores import STRONGEST, against_images, fresh_activations, on_strongest
from tests.engine.small import small_vit

CPU = torch.device("cpu")


def test_a_picture_is_placed_among_the_images_by_hand():
    scenes = np.array([[1.0, -3.0, 0.0], [2.0, -2.0, 0.0], [3.0, -1.0, 0.0], [4.0, -4.0, 0.0]])
    table = against_images(np.array([8.0, -2.5, 0.0]), scenes, best=np.array([3.2, -1.5, 0.0]))
    assert table.percentile.tolist() == [100.0, 50.0, 0.0], "against the images as they are"
    assert table.ratio_to_best_scene[0] == 2.5, "against the best image under the same augmentations"
    assert np.isnan(table.ratio_to_best_scene[1]), "no image activates this unit: there is nothing to divide by"
    assert table.beats_every_scene.tolist() == [True, False, False]
    assert table.failed.tolist() == [False, True, True]


def test_a_score_belongs_to_its_picture_alone():
    model, images = small_vit(), np.random.default_rng(0).random((3, 3, 32, 32), np.float32)
    together = fresh_activations(model, "blocks.2.mlp.hidden", units_of((4, 9, 1)), images, seed=0)
    alone = fresh_activations(model, "blocks.2.mlp.hidden", units_of((9,)), images[1:2], seed=0)
    assert together[1] == alone[0]


def test_fresh_augmentations_are_not_those_of_the_recipe():
    """A score with the optimizer's own random numbers would flatter the picture."""
    recipe, fresh = Draws(0, [(5,)], CPU), Draws(0, [(5, "fresh")], CPU)
    assert not torch.equal(recipe.uniform(Purpose.JITTER, 0, (8,)), fresh.uniform(Purpose.JITTER, 0, (8,)))
    assert fresh_activations(
        small_vit(), "blocks.2.mlp.hidden", units_of((5,)), np.full((1, 3, 32, 32), 0.5, np.float32), seed=0
    ) != pytest.approx(0)


def test_the_best_image_is_sought_among_the_strongest_and_augmented_like_the_picture():
    """Two routes: its number is that of a picture that is this very image."""
    model, site, units = small_vit(), "blocks.2.mlp.hidden", units_of((4, 9))
    images = (np.random.default_rng(0).random((12, 32, 32, 3)) * 255).astype(np.uint8)
    as_they_are = np.random.default_rng(1).random((12, 2))
    asked: list[int] = []

    def image(row: int) -> np.ndarray:
        asked.append(row)
        return images[row]

    best = on_strongest(model, site, units, as_they_are, image, seed=3)
    strongest = [np.argsort(-as_they_are[:, place])[:STRONGEST].tolist() for place in range(2)]
    assert asked == strongest[0] + strongest[1]
    for place, unit in enumerate(units):
        shown = as_floats(images[strongest[place]])
        assert best[place] == max(fresh_activations(model, site, [unit] * STRONGEST, shown, seed=3))
