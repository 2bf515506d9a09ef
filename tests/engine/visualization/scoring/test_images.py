"""Images of the data set: scenes from which object or place was taken are none."""

from __future__ import annotations

import numpy as np

from engine.data.registry import open_dataset
from engine.visualization.scoring.images import whole_images
from tests.engine.world import Squares


def test_control_variants_of_the_starters_scenes_are_left_out():
    scenes = open_dataset("starter")
    numbers = np.arange(len(scenes))
    kept = whole_images(scenes, numbers)
    assert {scenes.describe(int(number))["variant"] for number in numbers[kept]} == {"home", "other"}
    assert kept.sum() == 1698 and whole_images(scenes, numbers[5:8]).tolist() == kept[5:8].tolist()


def test_of_a_data_set_without_such_variants_all_are_images():
    assert whole_images(Squares(), np.arange(24)).all()
