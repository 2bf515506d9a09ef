"""Curves of accuracy over a cut-off: known areas, intervals from the same images, models compared image by image."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation.curves import Curve, area, curve_facts, half_cutoff, paired_curves


def test_half_cutoff_and_area_of_known_curves():
    x = [0.0, 0.5, 1.0]
    rising = np.array([[0.0, 0.5, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.9, 0.9, 1.0]])
    np.testing.assert_allclose(half_cutoff(rising, x), [0.5, 0.25, 0.75, -np.inf])
    np.testing.assert_allclose(half_cutoff(rising[:, ::-1], x), [0.5, 0.75, 0.25, np.inf])
    assert half_cutoff(np.array([[0.3, 0.2, 0.1]]), x) == [-np.inf], (
        "a high-pass that takes half before its first cut-off"
    )
    assert np.isnan(half_cutoff(np.full((1, 3), np.nan), x)).all()
    np.testing.assert_allclose(area(rising, x), [0.5, 0.75, 0.25, 0.925])


def test_the_intervals_of_a_curve_come_from_the_same_images():
    """A model that loses exactly what it loses, on the same images at every cut-off: the ratio of 1 has no spread."""
    right = np.random.default_rng(0).random(200) < 0.7
    rows, facts = curve_facts(
        np.stack([right & False, right], 1), np.stack([right, right], 1), right, right, [0.5, 1.0]
    )
    assert rows[1]["normalised"] == 1 and 0.97 < rows[1]["normalised_low"] < 1 <= rows[1]["normalised_high"] < 1.03
    assert (rows[0]["normalised"], rows[0]["top5_normalised"]) == (0, 1)
    assert facts["half_cutoff"] == [0.75, 0.75, 0.75] and facts["area"] == [0.5, 0.5, 0.5]
    assert rows[0]["top1_high"] > 0


def test_curves_of_two_models_are_compared_on_the_same_images():
    """b is right wherever a is, and at half of Nyquist nowhere: the difference has no doubt about it."""
    right = np.random.default_rng(0).random(300) < 0.8
    a, b, x = np.stack([right, right], 1), np.stack([right & False, right], 1), [0.5, 1.0]
    assert paired_curves(Curve(a, right, x), Curve(b, right, x))["area"] == [0.5, 0.5, 0.5]
    assert paired_curves(Curve(a, right, x), Curve(b, right, x))["half_cutoff"] is None, "a never falls to half"
    noisy = a ^ (np.random.default_rng(1).random(a.shape) < 0.3)
    value, low, high = paired_curves(Curve(a, right, x), Curve(noisy, right, x))["area"] or [0, 0, 0]
    _, lower, higher = paired_curves(Curve(a, right, x), Curve(noisy, right, x), level=0.995)["area"] or [0, 0, 0]
    assert lower < low < value < high < higher, "one of many intervals that are all to be right"
    assert paired_curves(Curve(a, right, x), Curve(a, right, x))["area"] == [0, 0, 0]


def test_nothing_right_unfiltered_gives_no_normalised_number():
    wrong = np.zeros((10, 2), bool)
    rows, facts = curve_facts(wrong, wrong, wrong[:, 0], wrong[:, 0], [0.5, 1.0])
    assert np.isnan(rows[0]["normalised"]) and facts == {"area": None, "half_cutoff": None}


def test_two_models_with_other_frequencies_each_have_their_own_cutoffs_and_sets_widen_the_interval():
    luck = np.repeat(np.random.default_rng(0).random(60), 4)
    right, full = np.stack([luck < 0.3, luck < 0.7, luck < 2], 1), luck < 2
    first, second = Curve(right, full, [0.2, 0.4, 1.0]), Curve(right, full, [0.1, 0.3, 1.0])
    value, low, high = paired_curves(first, second)["half_cutoff"] or [0, 0, 0]
    assert (value, low, high) == pytest.approx((0.1, 0.1, 0.1)), "everything lies a tenth lower"
    _, blind = curve_facts(right, right, full, full, [0.2, 0.4, 1.0])
    _, aware = curve_facts(right, right, full, full, [0.2, 0.4, 1.0], np.repeat(np.arange(60), 4))
    (_, low, high), (_, wider_low, wider_high) = blind["half_cutoff"], aware["half_cutoff"]
    assert wider_high - wider_low > 1.5 * (high - low), "four copies of an image are one image"


def near_half(share: float) -> Curve:
    """200 images that are all right unfiltered, this share of them at the first cut-off of a low-pass."""
    right = np.stack([np.arange(200) < share * 200, np.arange(200) < 180, np.ones(200, bool)], 1)
    return Curve(right, np.ones(200, bool), [0.1, 0.3, 1.0])


def test_an_interval_is_open_where_many_resamples_do_not_fall_to_half() -> None:
    """At 49% of 200, three of eight resamples stay above half at the first cut-off: how low it may lie is not known."""
    right, full, cutoffs = near_half(0.49)
    _, facts = curve_facts(right, right, full, full, cutoffs)
    value, low, high = facts["half_cutoff"]
    assert value == pytest.approx(0.105, abs=0.001) and low == -np.inf and 0.12 < high < 0.14
    right, full, cutoffs = near_half(0.3)
    _, facts = curve_facts(right, right, full, full, cutoffs)
    value, low, high = facts["half_cutoff"]
    assert 0.1 < low < value < high < 0.3, "no resample comes near"
    _, facts = curve_facts(right[:, ::-1], right[:, ::-1], full, full, cutoffs)
    assert np.isfinite(facts["half_cutoff"]).all()


def test_a_difference_is_open_on_the_side_on_which_a_curve_does_not_fall_to_half() -> None:
    value, low, high = paired_curves(near_half(0.49), near_half(0.2))["half_cutoff"] or [0, 0, 0]
    assert low == -np.inf and value < high < 0
    value, low, high = paired_curves(near_half(0.2), near_half(0.49))["half_cutoff"] or [0, 0, 0]
    assert high == np.inf and 0 < low < value
    _, low, high = paired_curves(near_half(0.49), near_half(0.49))["half_cutoff"] or [0, 0, 0]
    assert (low, high) == (-np.inf, np.inf), "both lie below the first cut-off in many resamples: how far is unknown"
