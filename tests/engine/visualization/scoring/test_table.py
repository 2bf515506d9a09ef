"""The table of pictures: known answers by hand, and the interval of a ratio."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.visualization.scoring.controls import Controls
from engine.visualization.scoring.strongest import Strongest
from engine.visualization.scoring.table import could_be_stronger, percentile_of, scored

# One hundred images make 0.01, 0.02, ... 1.00 of every unit: 95% of them are above 0.95.
VALUES = np.repeat(np.arange(1, 101)[:, None] / 100, 5, 1)


def table(
    activation: list[float], zero: float = 0.0, blank: float = -1.0, noise: float = -1.0, best: float = 2.0
) -> pd.DataFrame:
    """Pictures of these activations, each with a spread of 0.1 over its copies."""
    count = len(activation)
    spread = np.resize([-0.1, 0.1], 16)
    whole = Strongest(np.zeros(count, int), best + np.tile(spread / 2, (count, 1)), np.full(count, 1.0))
    controls = Controls(*(np.full(count, value) for value in (zero, blank, noise, 0.0)))
    copies = np.array(activation)[:, None] + spread
    return scored(copies, np.array(activation) / 2, controls, whole, VALUES[:, :count])


def test_a_picture_succeeds_above_every_control_and_the_margin_is_to_the_strongest():
    found = table([4.0, 1.5, 0.96, 0.95, -0.5], blank=0.9, noise=1.2)
    assert found.failed.tolist() == [False, False, True, True, True]
    assert found.control.tolist() == ["noise"] * 5
    assert found.margin.tolist() == pytest.approx([2.8, 0.3, -0.24, -0.25, -1.7])


@pytest.mark.parametrize(
    ("controls", "binding"),
    [({"zero": 3.0}, "zero"), ({"blank": 3.0}, "blank"), ({"noise": 3.0}, "noise"), ({}, "images")],
)
def test_each_control_alone_can_fail_a_picture(controls: dict, binding: str) -> None:
    just = controls.get(binding, 0.95)
    found = table([just + 0.01, just], **controls)
    assert found.failed.tolist() == [False, True] and found.control.tolist() == [binding] * 2


def test_where_the_activation_function_has_no_zero_a_picture_below_zero_may_succeed():
    values = VALUES - 5
    spread = np.resize([-0.1, 0.1], (1, 16))
    strongest = Strongest(np.zeros(1, int), np.full((1, 16), -4.2) + spread, np.array([-4.0]))
    none = Controls(np.array([-np.inf]), np.array([-4.5]), np.array([-4.6]), np.array([-4.0]))
    found = scored(-2 + spread, np.array([-2.0]), none, strongest, values[:, :1])
    assert not found.failed[0] and np.isnan(found.control_zero[0])
    assert np.isnan(found.ratio_to_best_scene[0]), "no image is above the median blank: there is nothing to divide by"
    assert np.isnan(found.ratio_low[0]) and np.isnan(found.ratio_as_is[0])
    assert found.beats_every_scene[0] and found.beats_as_is[0]


def test_ratios_count_from_the_base_where_there_is_no_zero_and_say_what_it_is():
    """Of two units that differ by a constant, both with a picture twice as far above the base as the strongest image."""
    spread, base = np.resize([-0.1, 0.1], (2, 16)), np.array([-3.0, 7.0])
    strongest = Strongest(np.zeros(2, int), base[:, None] + 1 + spread / 2, base + 0.5)
    none = Controls(np.full(2, -np.inf), base, base, base)
    found = scored(base[:, None] + 2 + spread, base + 2, none, strongest, base + VALUES[:, :2])
    assert found.ratio_to_best_scene.tolist() == pytest.approx([2, 2]) and found.ratio_as_is.tolist() == [4, 4]
    assert found.ratio_low[0] == pytest.approx(found.ratio_low[1]) and found.ratio_low[0] < 2
    assert found.base.tolist() == [-3, 7] and "base" not in table([1.0])


def test_the_ratio_is_stated_both_ways():
    found = table([5.0, 1.9])
    assert found.ratio_to_best_scene.tolist() == pytest.approx([2.5, 0.95]), "both augmented"
    assert found.ratio_as_is.tolist() == [2.5, 0.95], "neither"
    assert found.beats_every_scene.tolist() == [True, False]
    assert (found.ratio_low < found.ratio_to_best_scene).all() and (found.ratio_high > found.ratio_to_best_scene).all()


def test_the_percentile_and_the_95_of_it_that_a_picture_has_to_pass_agree():
    for activation in (0.2, 0.95, 0.951, 0.96, 1.0):
        found = table([activation])
        assert found.percentile[0] == percentile_of(np.array([activation]), VALUES[:, :1])[0]
        assert (found.percentile[0] >= 95) == (activation > found.control_images[0])


def test_images_that_answer_to_augmentations_just_as_the_picture_leave_no_doubt_of_the_ratio():
    """The interval is over the same augmentations of both: what both share does not make it wider."""
    below = np.random.default_rng(0).random((1, 16)) + 0.5
    none = Controls(*(np.full(1, -1.0),) * 3, np.zeros(1))
    alike = scored(3 * below, np.ones(1), none, Strongest(np.zeros(1, int), below, np.ones(1)), VALUES[:, :1])
    assert (alike.ratio_low[0], alike.ratio_high[0]) == pytest.approx((3, 3))
    other = scored(3 * below[:, ::-1], np.ones(1), none, Strongest(np.zeros(1, int), below, np.ones(1)), VALUES[:, :1])
    assert other.ratio_to_best_scene[0] == pytest.approx(3) and other.ratio_low[0] < 2.8 < 3.2 < other.ratio_high[0]


def test_the_interval_of_an_activation_is_students():
    found = table([7.5])
    assert found.activation_high[0] - found.activation_low[0] == pytest.approx(
        2 * 2.1314 * 0.1 * (16 / 15) ** 0.5 / 4, rel=1e-3
    )


def test_few_images_say_less():
    """With a share p of stronger images, none among n is seen with probability (1 - p) ** n."""
    for images in (1, 20, 100, 1698):
        assert (1 - could_be_stronger(images)) ** images == pytest.approx(0.05)
    assert could_be_stronger(0) == 1
