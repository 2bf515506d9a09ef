"""What there is to be made of a place: a blind guess, and the best possible observer."""

from __future__ import annotations

import numpy as np
import pytest

from engine.data.registry import open_dataset
from engine.reliance.places import Places, chance, ideal_lives, ideal_names, living, shown_in

HOME = np.array([0, 0, 0, 1, -1])


def test_chance_and_the_best_observer_of_a_small_world():
    """Three classes live at place 0, one at place 1, nobody at place 2, and one class has no home."""
    here, labels = np.array([0, 1, 2, 0]), np.array([0, 3, 4, 3])
    assert living(HOME, here).tolist() == [3, 1, 0, 3]
    assert chance(HOME, here) == pytest.approx((3 + 1 + 0 + 3) / 5 / 4)
    assert ideal_lives(HOME, here) == 0.75, "where nobody lives no answer is right"
    assert ideal_names(HOME, labels, here) == pytest.approx((1 / 3 + 1 + 0 + 0) / 4)


def test_from_the_starters_places_alone_the_best_observer_names_the_kind_in_half_a_percent():
    """So a comparison of two models by that number could have shown nothing."""
    scenes = open_dataset("starter")
    numbers = scenes.evaluated()
    shown, labels = shown_in(scenes, numbers), scenes.labels()[numbers]
    places = Places(scenes, np.arange(len(scenes.class_names)), len(scenes.class_names), shown)
    here = places.numbers(shown)
    assert len(places.names) == 9
    assert ideal_names(places.home, labels, here) == pytest.approx(9 / 1698)
    assert ideal_lives(places.home, here) == 1
    assert 0.09 < chance(places.home, here) < 0.13
