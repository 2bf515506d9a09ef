"""Likeness: rank correlations, nearest images and Fréchet distances with known values."""

from __future__ import annotations

import numpy as np
import pytest

from engine.explanation.likeness import NATURAL, frechet, likeness, nearest, principal, spearman


def test_ranks_do_not_mind_scale_and_turn_with_the_order():
    a = np.array([[1.0, 2, 3, 4, 5]])
    assert spearman(a, np.exp(a))[0, 0] == pytest.approx(1)
    assert spearman(a, -(a**3))[0, 0] == pytest.approx(-1)
    assert spearman(a, np.full((1, 5), 3.0))[0, 0] == 0


def test_equal_values_share_their_rank():
    # By hand: ranks 1.5 1.5 3 4 and 1 2 3 4; covariance 4.5, variances 4.5 and 5.
    assert spearman(np.array([[0.0, 0, 1, 2]]), np.array([[1.0, 2, 3, 4]]))[0, 0] == pytest.approx(4.5 / np.sqrt(22.5))


def test_the_nearest_image_is_found_and_pairs_can_be_left_out():
    b = np.eye(3)
    a = np.array([[1.0, 0, 0], [0, np.sqrt(0.5), np.sqrt(0.5)]])
    assert nearest(a, b) == pytest.approx([0, 1 - np.sqrt(0.5)])
    apart = np.array([[True, False, False], [False, False, False]])
    assert nearest(a, b, apart)[0] == pytest.approx(1)


def test_frechet_distance_of_known_normals():
    draws = np.random.default_rng(0)
    a, b = draws.normal(size=(40_000, 3)), draws.normal(size=(40_000, 3)) * [1, 2, 3] + [1, 0, 0]
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)
    # Squared difference of the means, and of the standard deviations, where both are diagonal: 1 + 0 + 1 + 4.
    assert frechet(a, b) == pytest.approx(6, rel=0.03)


def test_principal_directions_come_by_how_much_images_differ():
    draws = np.random.default_rng(1)
    mean, axes = principal(draws.normal(size=(5000, 3)) * [1, 5, 0.1] + 7, 2)
    assert mean == pytest.approx([7, 7, 7], abs=0.2)
    assert abs(axes[1, 0]) > 0.99 and abs(axes[0, 1]) > 0.99


def test_pictures_like_natural_images_are_as_near_as_those_and_others_are_not():
    draws = np.random.default_rng(2)

    def some(count: int, middle: float) -> np.ndarray:
        rows = draws.normal(size=(count, 12)) + middle * np.eye(12)[0]
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    table = likeness({"alike": some(64, 1), "apart": some(64, -4), "few": some(8, 1)}, some(400, 1), np.arange(400), 0)
    rows = table.set_index("shown")
    assert rows["distance"]["alike"] == pytest.approx(rows["distance"][NATURAL], rel=0.15)
    assert rows["low"]["apart"] > rows["high"]["alike"]
    assert rows["frechet"]["apart"] > 5 * rows["frechet"]["alike"] and np.isnan(rows["frechet"]["few"])


def test_images_of_one_group_are_not_each_others_nearest():
    once = np.eye(8)
    rows = likeness({}, np.concatenate([once, once]), np.tile(np.arange(8), 2), 0).set_index("shown")
    assert rows["distance"][NATURAL] == pytest.approx(1)


def test_natural_images_that_belong_together_tell_as_much_as_one_of_each_group():
    draws = np.random.default_rng(3)
    once = draws.normal(size=(60, 6))
    twice = np.repeat(once, 4, axis=0) + 0.01 * draws.normal(size=(240, 6))
    twice /= np.linalg.norm(twice, axis=1, keepdims=True)
    apart, together = (
        likeness({}, twice, groups, 0).set_index("shown").loc[NATURAL]
        for groups in (np.arange(240), np.repeat([0, 1, 2], 80))
    )
    assert together["high"] - together["low"] > 1.5 * (apart["high"] - apart["low"])
