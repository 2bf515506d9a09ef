"""Fresh augmentations: the same for a picture whatever else is measured, the same share of the picture on every input."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.visualization.goals import suited_to, units_of
from engine.visualization.objectives import goal
from engine.visualization.optimization.seeding import Draws, Purpose
from engine.visualization.scoring.fresh import FRESH, as_they_are, batch_of, fresh_activations, fresh_copies, on_all
from tests.engine.small import small_cnn, small_vit

CPU = torch.device("cpu")
SITE = "blocks.2.mlp.hidden"
IMAGES = np.random.default_rng(0).random((3, 3, 32, 32), np.float32)


def test_a_score_belongs_to_its_picture_alone():
    model = small_vit()
    together = fresh_copies(model, SITE, units_of((4, 9, 1)), IMAGES, seed=0)
    alone = fresh_copies(model, SITE, units_of((9,)), IMAGES[1:2], seed=0)
    assert together.shape == (3, 16) and together[1].tolist() == alone[0].tolist()
    assert fresh_activations(model, SITE, units_of((9,)), IMAGES[1:2], seed=0) == pytest.approx(alone.mean())


def test_fresh_augmentations_are_not_those_of_the_recipe():
    """A score with the optimizer's own random numbers would flatter the picture."""
    recipe, fresh = Draws(0, [(5,)], CPU), Draws(0, [(5, "fresh")], CPU)
    assert not torch.equal(recipe.uniform(Purpose.JITTER, 0, (8,)), fresh.uniform(Purpose.JITTER, 0, (8,)))
    grey = np.full((1, 3, 32, 32), 0.5, np.float32)
    assert fresh_activations(small_vit(), SITE, units_of((5,)), grey, seed=0) != pytest.approx(0)


def test_the_jitter_is_the_same_share_of_every_input():
    """32 pixels of the paper's 384: a twelfth of the side."""
    assert [FRESH.on((side, side), clip=False).jitter for side in (384, 224, 96, 32)] == [32, 19, 8, 3]
    assert suited_to(units_of((1,))[0], FRESH, small_vit(), SITE).jitter == 3


def test_as_it_is_means_without_any_augmentation(float32):
    model = small_vit()
    by_hand = on_all(model, SITE, units_of((4, 9, 1)), torch.from_numpy(IMAGES))
    assert as_they_are(model, SITE, units_of((4, 9, 1)), IMAGES) == pytest.approx(by_hand.diagonal(), abs=1e-5)


def test_all_goals_on_all_images_come_from_one_pass(float32):
    model, passes = small_vit(), []
    goals = [goal(model, SITE, text) for text in ("4", "9@1x1", "(2-3)")]
    with torch.no_grad(), model.module.register_forward_pre_hook(lambda *_: passes.append(1)):
        values = on_all(model, SITE, goals, torch.from_numpy(IMAGES))
    assert len(passes) == 1 and values.shape == (3, 3)
    for place, each in enumerate(goals):
        assert values[:, place] == pytest.approx(as_they_are(model, SITE, [each] * 3, IMAGES), abs=1e-5)


def test_batches_have_one_size_for_a_model_and_site():
    assert batch_of(small_vit(), SITE) == batch_of(small_cnn(), "stages.1.blocks.0") == 16
