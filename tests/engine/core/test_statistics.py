"""Intervals: known values, the coverage that they promise, and pairing that takes out what both share."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.core import statistics
from engine.core.statistics import (
    bootstrap_interval,
    bootstrap_means,
    bootstrap_ratio,
    mcnemar,
    paired_difference,
    wilson,
)


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


def discordant(only_a: int, only_b: int, both: int = 7) -> tuple[np.ndarray, np.ndarray]:
    a = [True] * only_a + [False] * only_b + [True] * both + [False] * both
    b = [False] * only_a + [True] * only_b + [True] * both + [False] * both
    return np.array(a), np.array(b)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 1), (1, 5), (5, 1), (2, 2), (3, 4), (0, 12), (40, 61)])
def test_mcnemars_p_is_both_tails_of_a_fair_coin(only_a: int, only_b: int):
    n, fewer = only_a + only_b, min(only_a, only_b)
    tails = 2 * sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n
    assert mcnemar(*discordant(only_a, only_b)) == pytest.approx(min(1.0, tails), rel=1e-9)


def test_mcnemars_p_is_never_above_one_and_one_where_nothing_differs():
    for each in range(1, 30):
        assert mcnemar(*discordant(each, each)) == 1.0
    assert mcnemar(*discordant(0, 0)) == 1.0
    assert mcnemar(*discordant(1, 5)) == mcnemar(*discordant(1, 5, both=0)), "where both agree nothing is learnt"
    with pytest.raises(ValueError, match="same images"):
        mcnemar(np.ones(3, bool), np.ones(4, bool))


def test_a_ratio_is_of_means_and_resampled_together():
    below = np.array([1.0, 1, 0, 1, 1, 0, 1, 1])
    assert bootstrap_ratio(below / 2, below) == pytest.approx((0.5, 0.5, 0.5)), "half on every image: no doubt is left"
    value, low, high = bootstrap_ratio(np.array([1.0, 0, 0, 1, 0, 0, 1, 0]), below) or (0, 0, 0)
    assert value == pytest.approx(3 / 6) and 0 <= low < value < high <= 1
    assert bootstrap_ratio(below, np.zeros(8)) is None
    rare = bootstrap_ratio(np.array([1.0, 0, 0]), np.array([1.0, 0, 0]))
    assert rare == pytest.approx((1, 1, 1)), "resamples without any below are left out"


def test_a_share_is_inside_its_interval_and_the_interval_between_nothing_and_all():
    for n in range(1, 40):
        for hits in range(n + 1):
            low, high = wilson(hits, n)
            assert 0 <= low <= hits / n <= high <= 1 and low < high


def test_of_no_image_there_is_no_mean():
    with pytest.raises(ValueError, match="Nothing to resample"):
        bootstrap_means(np.empty(0))
