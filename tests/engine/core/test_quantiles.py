"""Quantiles against tables and against what defines them."""

from __future__ import annotations

import math

import pytest

from engine.core.quantiles import beta_quantile, beta_tail, student_quantile, student_tail


def test_students_quantiles_are_those_of_the_tables():
    table = {1: 12.7062, 2: 4.30265, 9: 2.26216, 30: 2.04227, 120: 1.97993}
    for freedom, value in table.items():
        assert student_quantile(0.975, freedom) == pytest.approx(value, rel=1e-5)
    assert student_quantile(0.975, 1e6) == pytest.approx(1.959966, rel=1e-5)
    assert student_quantile(0.8, 5) == pytest.approx(0.919544, rel=1e-5)
    assert math.isnan(student_quantile(0.975, 0))


def test_the_tail_of_the_beta_distribution_is_that_of_a_binomial():
    for n, p in ((7, 0.3), (40, 0.95), (300, 0.02)):
        for hits in (1, 2, n // 2, n):
            tail = math.fsum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(hits, n + 1))
            assert beta_tail(p, hits, n - hits + 1) == pytest.approx(tail, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize(("a", "b"), [(1, 1), (0.5, 0.5), (3, 200), (200, 3), (25_000, 25_001), (0.7, 49_999)])
def test_a_quantile_is_where_the_tail_is(a: float, b: float):
    for q in (0.001, 0.025, 0.5, 0.8, 0.975):
        assert beta_tail(beta_quantile(q, a, b), a, b) == pytest.approx(q, rel=1e-6)


def test_the_tail_of_students_distribution_is_what_lies_beyond_its_quantile():
    for freedom in (1, 4.5, 30, 4000):
        for q in (0.6, 0.975, 0.9999):
            assert student_tail(student_quantile(q, freedom), freedom) == pytest.approx(2 * (1 - q), rel=1e-6)
    assert student_tail(0.0, 7) == 1 and student_tail(math.inf, 7) == 0 and math.isnan(student_tail(1.0, 0))
