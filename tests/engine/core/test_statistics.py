"""Intervals: known values, the coverage that they promise, and pairing that takes out what both share."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core import statistics
from engine.core.statistics import bootstrap_interval, bootstrap_means, paired_difference, wilson


def test_wilson_gives_the_textbook_interval():
    assert wilson(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
    assert wilson(0, 20)[0] == 0.0 and wilson(20, 20)[1] == 1.0
    assert wilson(0, 20)[1] == pytest.approx(1 - wilson(20, 20)[0])
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_bootstrap_covers_the_true_mean_about_as_often_as_it_says():
    draws = np.random.default_rng(1)
    covered = 0
    for seed in range(200):
        low, high = bootstrap_interval(draws.normal(3.0, 1.0, 80), 300, seed)
        covered += low <= 3.0 <= high
    assert 180 <= covered <= 199


def test_columns_are_resampled_together():
    values = np.random.default_rng(0).normal(size=(50, 1))
    means = bootstrap_means(np.hstack([values, values + 1]))
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 1.0)


def test_many_images_of_few_kinds_are_resampled_like_each_by_itself(monkeypatch):
    right = np.random.default_rng(0).random((3000, 2)) < (0.8, 0.6)
    one_by_one = bootstrap_means(right, 4000)
    monkeypatch.setattr(statistics, "MANY", 1000)
    by_kind = bootstrap_means(right, 4000)
    np.testing.assert_allclose(by_kind.mean(0), right.mean(0), atol=0.001)
    np.testing.assert_allclose(np.cov(by_kind.T), np.cov(one_by_one.T), rtol=0.15, atol=2e-6)


def test_resamples_are_the_same_however_few_are_held_at_once(monkeypatch):
    values = np.random.default_rng(0).normal(size=500)
    whole = bootstrap_means(values, 70)
    monkeypatch.setattr(statistics, "LARGEST_TABLE", 1000)
    np.testing.assert_allclose(bootstrap_means(values, 70), whole)


def test_pairing_takes_out_what_the_images_share():
    """Two models that differ by 0.1 on every image, however much the images differ: no doubt is left."""
    hard = np.random.default_rng(0).normal(size=300)
    difference, low, high = paired_difference(hard + 0.1, hard)
    assert difference == pytest.approx(0.1) and high - low < 1e-9
    with pytest.raises(ValueError, match="same images"):
        paired_difference(hard, hard[1:])
