"""Reliance in calibrated log-odds: what an observer is planted to give the place, however sure of itself it is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.reliance.calibration import fit, measured, slopes
from tests.known_answers.reliance import moved

PLANTED = math.log(0.6 / 0.05)


@pytest.mark.parametrize("constant", [0.01, 0.5, 3.0, 200.0])
def test_logits_times_any_constant_give_the_same_reliance(constant):
    draws = np.random.default_rng(0)
    values, labels = draws.normal(size=(80, 2, 6)), np.arange(80) % 6
    values[np.arange(80), :, labels] += 1
    rivals = draws.random((80, 6)) < 0.4
    rivals[np.arange(80), labels] = False
    one = measured(values, labels, rivals, PLANTED, (0.6, 0.4))
    other = measured(constant * values, labels, rivals, PLANTED, (0.6, 0.4))
    assert other.mean == pytest.approx(one.mean, rel=1e-6) and one.mean.low < one.mean.value < one.mean.high
    np.testing.assert_allclose(other.of_sets, one.of_sets, rtol=1e-6)
    assert other.temperatures == pytest.approx([constant * each for each in one.temperatures], rel=1e-6)


def test_bayes_rule_has_a_reliance_of_one_however_sure_it_is():
    for confidence in (0.3, 1, 5):
        found = moved(7, trust=1, confidence=confidence, sets=2000)
        assert found.mean.value == pytest.approx(1, abs=0.05)
        assert np.mean(found.temperatures) == pytest.approx(confidence, rel=0.05)


def test_reliance_comes_out_in_the_order_of_what_is_planted():
    none, half, whole, twice = (moved(3, trust, 1, 1000).mean.value for trust in (0, 0.5, 1, 2))
    assert none == 0 and half < whole < twice


def test_the_temperature_is_where_the_cross_entropy_is_smallest():
    draws = np.random.default_rng(0)
    values, labels, weights = draws.normal(size=(60, 2, 5)), draws.integers(5, size=60), (0.6, 0.4)
    values[np.arange(60), :, labels] += 1.5
    beta, of_sets, curvature = fit(values, labels, weights)

    def loss(beta: float) -> float:
        scaled = beta * values
        logs = scaled - np.log(np.exp(scaled).sum(-1, keepdims=True))
        return -float((logs[np.arange(60), :, labels] @ weights).mean())

    assert loss(beta) < min(loss(0.98 * beta), loss(1.02 * beta)) and of_sets.mean() == pytest.approx(0, abs=1e-9)
    step = 1e-4
    slope = (loss(beta + step) - loss(beta - step)) / (2 * step)
    assert slope == pytest.approx(float(slopes(beta, values, labels, weights)[0].mean()), abs=1e-6)
    bend = (loss(beta + step) - 2 * loss(beta) + loss(beta - step)) / step**2
    assert bend == pytest.approx(curvature, rel=1e-3)


def test_what_is_never_wrong_or_never_right_has_no_temperature():
    labels, rivals = np.array([0, 1, 0, 1]), np.array([[False, True], [True, False]] * 2)
    sure = np.repeat(np.eye(2)[labels][:, None], 2, 1) * 5
    for values in (sure, -sure, np.zeros((4, 2, 2))):
        found = measured(values, labels, rivals, PLANTED, (0.6, 0.4))
        assert math.isnan(found.mean.value) and np.isnan(found.of_sets).all()


def test_made_logits_move_by_what_was_planted():
    """The object's class loses 2 log(12) against its rival, in units of either half's temperature; a set without rivals
    does not count."""
    told = np.array([[5 + PLANTED, 0, 2], [5, 0, 2 + PLANTED]])
    untold = np.array([[1.0, 3, 1], [1, 3, 1]])
    values = np.stack([told, told, untold, untold] * 10)
    values[[2, 3, 10, 11], :, 0] += 4  # answered wrongly, so that there is a temperature
    labels = np.array([0, 0, 1, 1] * 10)
    rivals = np.array([[False, False, True]] * 2 + [[False] * 3] * 2)[np.arange(40) % 4]
    found = measured(values, labels, rivals, PLANTED, (0.5, 0.5))
    assert np.isnan(found.of_sets[2::4]).all() and np.isnan(found.of_sets[3::4]).all()
    even, odd = found.temperatures
    np.testing.assert_allclose(found.of_sets[0::4], 1 / odd, rtol=1e-9)
    np.testing.assert_allclose(found.of_sets[1::4], 1 / even, rtol=1e-9)
