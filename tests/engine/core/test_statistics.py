"""Intervals: known values, the coverage that they promise, and pairing that takes out what both share."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from engine.core import statistics
from engine.core.statistics import (
    Estimate,
    apart,
    combination,
    difference,
    effective,
    estimate,
    mcnemar,
    percentiles,
    ratios,
    resampled,
    share,
    smallest_difference,
    smallest_like,
    smallest_share,
)

Made = Callable[[np.random.Generator], Estimate]


def covered(make: Made, truth: float, draws: int = 600) -> float:
    """In what share of samples the interval holds the truth."""
    generator = np.random.default_rng(0)
    made = [make(generator) for _ in range(draws)]
    return sum(one.low <= truth <= one.high for one in made) / draws


def test_a_share_has_the_textbook_interval():
    assert share(8, 10) == pytest.approx((0.4439045, 0.9747893), abs=1e-6)
    assert share(0, 20) == pytest.approx((0.0, 1 - 0.025 ** (1 / 20)))
    assert share(20, 20) == pytest.approx((0.025 ** (1 / 20), 1.0))
    assert share(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("n", "p"), [(4, 0.5), (10, 0.9), (16, 0.99), (16, 0.9), (30, 0.97), (200, 0.99)])
def test_the_interval_of_a_share_keeps_its_promise_for_few_images_and_near_all(n: int, p: float):
    """Exactly: the chance of every count, times whether its interval holds p. Wilson's gives 85% for 16 images and 0.99."""
    chances = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    held = [low <= p <= high for low, high in (share(k, n) for k in range(n + 1))]
    assert sum(chance for chance, holds in zip(chances, held, strict=True) if holds) >= 0.95


def alike(generator: np.random.Generator, sets: int, sizes: list[int], p: float, how: float):
    """Right or wrong for images in sets that are alike: (right (n,), set (n,)), with an intraclass correlation of `how`."""
    of_sets = generator.beta(p * (1 / how - 1), (1 - p) * (1 / how - 1), sets)
    member = np.repeat(np.arange(sets), generator.choice(sizes, sets))
    return generator.random(len(member)) < of_sets[member], member


@pytest.mark.parametrize(
    ("sets", "sizes", "p", "how"),
    [
        (12, [4], 0.9, 0.3),
        (16, [4], 0.99, 0.3),
        (40, [4], 0.8, 0.5),
        (283, [3], 0.97, 0.2),
        (40, [1, 2, 3, 6], 0.8, 0.3),
    ],
)
def test_the_interval_of_a_share_keeps_its_promise_where_images_come_in_sets(sets, sizes, p, how):
    def make(generator: np.random.Generator) -> Estimate:
        right, member = alike(generator, sets, sizes, p, how)
        return estimate(right, clusters=member)

    assert covered(make, p) >= 0.93


def test_without_its_sets_an_interval_is_too_narrow():
    def blind(generator: np.random.Generator) -> Estimate:
        return estimate(alike(generator, 40, [4], 0.8, 0.5)[0])

    assert covered(blind, 0.8) < 0.9


@pytest.mark.parametrize(("n", "a_alone", "b_alone"), [(10, 0.2, 0), (16, 0.02, 0), (40, 0.1, 0.05), (200, 0.3, 0.1)])
def test_the_interval_of_a_paired_difference_keeps_its_promise(n: int, a_alone: float, b_alone: float):
    def make(generator: np.random.Generator) -> Estimate:
        where = generator.random(n)
        return difference(where < 0.4 + a_alone, (where < 0.4) | (where > 1 - b_alone))

    assert covered(make, a_alone - b_alone) >= 0.93


@pytest.mark.parametrize(("n", "ratio", "full"), [(16, 0.99, 0.9), (30, 0.5, 0.9), (200, 0.1, 0.5)])
def test_the_interval_of_a_ratio_keeps_its_promise(n: int, ratio: float, full: float):
    def make(generator: np.random.Generator) -> Estimate:
        right = generator.random(n) < full
        return estimate(right & (generator.random(n) < ratio), right)

    assert covered(make, ratio) >= 0.93


@pytest.mark.parametrize("n", [5, 30])
def test_the_intervals_of_a_mean_keep_their_promise_for_few_images_and_in_sets(n: int):
    def alone(generator: np.random.Generator) -> Estimate:
        return estimate(generator.normal(3, 1, n))

    def in_sets(generator: np.random.Generator) -> Estimate:
        member = np.repeat(np.arange(n), 4)
        return estimate(generator.normal(3, 1, n)[member] + generator.normal(0, 1, 4 * n), clusters=member)

    def by_resampling(generator: np.random.Generator) -> Estimate:
        draws = resampled(generator.normal(3, 1, n), rounds=400, seed=int(generator.integers(1 << 30)))
        return Estimate(3, *map(float, percentiles(draws, n)))

    assert covered(alone, 3) >= 0.93 and covered(in_sets, 3) >= 0.93
    if n > 5:  # of five images there are not enough different resamples
        assert covered(by_resampling, 3, 300) >= 0.92


def test_two_samples_apart_keep_their_promise():
    def make(generator: np.random.Generator) -> Estimate:
        return apart(generator.random(30) < 0.98, generator.random(16) < 0.9)[0]

    assert covered(make, 0.08) >= 0.93


def test_of_one_cluster_nothing_is_known():
    alone = estimate(np.array([1.0, 2.0, 3.0]), clusters=np.zeros(3))
    assert alone.value == 2 and math.isnan(alone.low) and math.isnan(alone.high)
    assert math.isnan(estimate(np.array([1.0])).low)
    assert estimate(np.array([True, True, True]), clusters=np.zeros(3)) == Estimate(1.0, *share(1, 1))
    with pytest.raises(ValueError, match="Nothing to measure"):
        estimate(np.empty(0))


def test_clusters_that_all_have_as_many_hits_are_taken_for_independent_images():
    assert effective(np.array([True, False] * 6), np.repeat(np.arange(6), 2)) == 12


def test_copies_of_images_tell_nothing_new():
    """Every image four times over, as one cluster: the interval is that of the images once."""
    values = np.random.default_rng(0).normal(size=30)
    member = np.repeat(np.arange(30), 4)
    assert estimate(values[member], clusters=member) == pytest.approx(estimate(values))
    right = values > 0
    assert 26 < effective(right[member], member) <= 30, "how alike they are is itself only known from 30"
    assert estimate(right[member], clusters=member) == pytest.approx(estimate(right), abs=0.02)
    assert difference(right[member], ~right[member], member) == pytest.approx(difference(right, ~right))
    np.testing.assert_allclose(resampled(values[member], member), resampled(values))


def test_the_smallest_difference_is_seen_in_four_of_five_samples():
    generator = np.random.default_rng(0)
    size = float(np.mean([smallest_difference(generator.normal(0, 1, 40)) for _ in range(50)]))
    seen = [estimate(generator.normal(size, 1, 40)).low > 0 for _ in range(1000)]
    assert 0.76 <= np.mean(seen) <= 0.84
    above, below = generator.normal(5, 1, 40), generator.normal(0, 1, 40)
    assert smallest_difference(above, below) == pytest.approx(smallest_difference(above - below - 3))


def test_the_smallest_share_is_seen_in_four_of_five_samples():
    least = smallest_share(0.0053, 849)
    hits = np.random.default_rng(0).binomial(849, least, 2000)
    assert 0.77 <= np.mean([share(k, 849)[0] > 0.0053 for k in hits]) <= 0.83
    assert smallest_share(0.5, 3) == 1.0, "three images cannot show anything"


def test_columns_are_resampled_together():
    values = np.random.default_rng(0).normal(size=(50, 1))
    means = resampled(np.hstack([values, values + 1]))
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 1.0)


def test_many_images_of_few_kinds_are_resampled_like_each_by_itself(monkeypatch):
    right = np.random.default_rng(0).random((3000, 2)) < (0.8, 0.6)
    one_by_one = resampled(right, rounds=4000)
    monkeypatch.setattr(statistics, "MANY", 1000)
    by_kind = resampled(right, rounds=4000)
    np.testing.assert_allclose(by_kind.mean(0), right.mean(0), atol=0.001)
    np.testing.assert_allclose(np.cov(by_kind.T), np.cov(one_by_one.T), rtol=0.15, atol=2e-6)


def test_resamples_are_the_same_however_few_are_held_at_once(monkeypatch):
    values = np.random.default_rng(0).normal(size=500)
    whole = resampled(values, rounds=70)
    monkeypatch.setattr(statistics, "LARGEST_TABLE", 1000)
    np.testing.assert_allclose(resampled(values, rounds=70), whole)


def test_pairing_takes_out_what_the_images_share():
    """Two models that differ by 0.1 on every image, however much the images differ: no doubt is left."""
    hard = np.random.default_rng(0).normal(size=300)
    value, low, high = difference(hard + 0.1, hard)
    assert value == pytest.approx(0.1) and high - low < 1e-9
    with pytest.raises(ValueError, match="same images"):
        difference(hard, hard[1:])


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


def test_mcnemars_p_knows_sets():
    """Each image four times over is as likely by chance as the images once, by the same approximation."""
    a, b = discordant(9, 25, both=10)
    member = np.repeat(np.arange(len(a)), 4)
    once = math.erfc(abs(9 - 25) / math.sqrt(2 * (9 + 25)))
    assert mcnemar(a[member], b[member], member) == pytest.approx(once)
    assert mcnemar(a, b, np.arange(len(a))) == mcnemar(a, b), "sets of one image each are no sets"


def test_a_ratio_is_of_means():
    below = np.array([1.0, 2, 0, 1, 1, 0, 1, 1])
    assert estimate(below / 2, below) == pytest.approx((0.5, 0.5, 0.5)), "half on every image: no doubt is left"
    value, low, high = estimate(np.array([1.0, 0, 0, 1, 0, 0, 1, 0]), below)
    assert value == pytest.approx(3 / 7) and low < value < high
    assert math.isnan(estimate(below, np.zeros(8)).value)


def test_where_all_images_agree_a_ratio_and_a_difference_are_still_in_doubt():
    right = np.ones(16, bool)
    assert estimate(right, right).low < 0.9 and difference(right, right).high > 0.1


def test_a_share_is_inside_its_interval_and_the_interval_between_nothing_and_all():
    for n in range(1, 40):
        for hits in range(n + 1):
            low, high = share(hits, n)
            assert 0 <= low <= hits / n <= high <= 1 and low < high


def test_of_no_image_there_is_no_mean():
    with pytest.raises(ValueError, match="Nothing to resample"):
        resampled(np.empty(0))


def test_a_sum_of_estimates_is_as_sure_as_its_parts_together() -> None:
    """Three and four give five; a weight stretches, and a minus turns a lopsided interval around."""
    sure, less = Estimate(0.5, 0.47, 0.54), Estimate(0.2, 0.16, 0.23)
    apart_by = (0.3, 0.3 - math.hypot(0.03, 0.03), 0.3 + math.hypot(0.04, 0.04))
    assert combination((1, sure), (-1, less)) == pytest.approx(apart_by)
    assert combination((2, sure)) == pytest.approx((1.0, 0.94, 1.08))
    assert combination((-1, less)) == pytest.approx((-0.2, -0.23, -0.16))


def test_what_could_be_seen_follows_from_the_width() -> None:
    """Of a normal estimate with a standard error of one: 1.96 and 0.84 standard errors."""
    assert smallest_like(Estimate(7.0, 7 - 1.96, 7 + 1.96)) == pytest.approx(2.80, abs=0.01)
    assert smallest_like(Estimate(7.0, 7 - 2.576, 7 + 2.576), 0.99) == pytest.approx(2.576 + 0.842, abs=0.01)


def test_with_few_images_the_interval_says_that_nothing_is_known() -> None:
    low, high = statistics.correlation_interval(np.array([0.9]), 3)
    assert (low[0], high[0]) == (-1, 1)
    low, high = statistics.correlation_interval(np.array([0.5]), 100)
    assert (low[0], high[0]) == pytest.approx((0.337, 0.634), abs=0.001)  # the textbook's example


def test_ratios_of_many_columns_are_those_of_one_after_the_other() -> None:
    draws = np.random.default_rng(4)
    member = np.repeat(np.arange(40), draws.integers(1, 5, 40))
    below = draws.normal(2, 1, (len(member), 5))
    above = 0.7 * below + draws.normal(size=below.shape) + draws.normal(size=(40, 5))[member]
    for clusters in (member, None):
        found = ratios(above, below, clusters=clusters)
        for column in range(5):
            value, low, high = estimate(above[:, column], below[:, column], clusters)
            reach = statistics.student_quantile(0.975, found.freedom[column]) * found.error[column]
            assert found.value[column] == pytest.approx(value)
            assert reach == pytest.approx((high - low) / 2)


def test_degrees_of_freedom_are_those_of_the_images_that_tell_something() -> None:
    values, told = np.ones((12, 2)), np.zeros((12, 2))
    told[:6, 0], told[:, 1] = 1, 1
    assert ratios(values, values, told).freedom.tolist() == [5, 11]
    assert ratios(values, values, told, np.arange(12) // 2).freedom.tolist() == [2, 5]
    assert math.isnan(ratios(values, 0 * values).value[0]), "nothing below the line"
