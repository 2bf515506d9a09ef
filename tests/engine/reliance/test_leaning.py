"""What units lean on: plain loops give the same, shifts are no loss, and nothing is said where too little is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.core.statistics import estimate
from engine.reliance import leaning
from engine.reliance.leaning import LEAST, QUESTIONS, TREATMENTS, halves, measured, sentences, strongest

SETS, UNITS = 120, 6
MEMBERS = np.repeat(np.arange(SETS), 2)


def responses(seed: int = 0, units: int = UNITS) -> np.ndarray:
    """(images, 5, units): parts that stay under one treatment each, more of the first than of the others."""
    draws = np.random.default_rng(seed)
    parts = draws.normal(size=(2 * SETS, 4, units)) + draws.normal(size=(SETS, 4, units))[MEMBERS]
    parts *= np.array([3.0, 1.0, 2.0, 2.0])[None, :, None]
    return np.concatenate([parts.sum(axis=1, keepdims=True), parts], axis=1)


def test_shares_are_those_of_a_plain_loop_over_units_and_images() -> None:
    given = responses()
    table, _ = measured(given, MEMBERS)
    first = halves(len(given), MEMBERS)
    for unit in range(UNITS):
        full = given[:, 0, unit]
        strong = [image for image in range(len(given)) if full[image] > np.quantile(full[first != first[image]], 0.9)]
        assert table["strongest"][unit] == len(strong)
        above = [given[strong, each, unit].mean() - given[:, each, unit].mean() for each in range(5)]
        for place, name in enumerate(TREATMENTS, start=1):
            assert table[name][unit] == pytest.approx(above[place] / above[0])
    assert table["object_lean"].tolist() == pytest.approx((table["object_alone"] - table["background_alone"]).tolist())
    assert table["low_lean"].tolist() == pytest.approx((table["low_pass"] - table["high_pass"]).tolist())


def test_intervals_are_about_as_wide_as_those_of_resampled_sets() -> None:
    given = responses()
    table, _ = measured(given, MEMBERS)
    strong, draws = strongest(given[:, 0], halves(len(given), MEMBERS)), np.random.default_rng(1)
    found = []
    for _ in range(400):
        sets = draws.integers(SETS, size=SETS)
        rows = np.concatenate([2 * sets, 2 * sets + 1])
        mask, values = strong[rows], given[rows]
        above = (mask[:, None] * values).sum(axis=0) / mask.sum(axis=0) - values.mean(axis=0)
        found.append((above[1] - above[2]) / above[0])
    width = (table["object_lean_high"] - table["object_lean_low"]) / 2
    assert (width / np.std(found, axis=0)).between(1.6, 2.6).all(), "Student's quantile is about 2"


def test_a_shift_and_a_scale_of_a_treatment_are_taken_for_what_they_are() -> None:
    given = responses()
    plain, _ = measured(given, MEMBERS)
    shifted = given.copy()
    shifted[:, 1] += 100
    shifted[:, 2] *= 0.5
    table, _ = measured(shifted, MEMBERS)
    assert table["object_alone"].tolist() == pytest.approx(plain["object_alone"].tolist())
    assert table["background_alone"].tolist() == pytest.approx((plain["background_alone"] / 2).tolist())


def test_no_image_is_measured_that_its_threshold_was_chosen_on() -> None:
    full = responses()[:, 0]
    first = halves(len(full), MEMBERS)
    strong = strongest(full, first)
    moved = full.copy()
    moved[first] += 1e6  # the other half's images are then weak, and these all strong
    assert strongest(moved, first)[first].all() and not strongest(moved, first)[~first].any()
    assert strong.mean() == pytest.approx(0.1, abs=0.03)
    assert first.reshape(-1, 2).all(axis=1).sum() == SETS // 2, "a set is in one half as a whole"


def test_what_no_treatment_keeps_lowers_both_shares_and_leaves_their_ratio() -> None:
    """Images are chosen by their whole response, so by this part too: the shares fall, alike."""
    draws = np.random.default_rng(3)
    parts = draws.normal(size=(20_000, 3, 1)) * np.array([2.0, 1.0, 3.0])[None, :, None]
    given = np.concatenate([parts.sum(1, keepdims=True), parts[:, :2], parts[:, :2]], axis=1)
    table, _ = measured(given)
    assert table["object_alone"][0] == pytest.approx(4 / 14, abs=0.02), (
        "its part of the variance, not the 4 of 5 without the rest"
    )
    assert table["background_alone"][0] == pytest.approx(1 / 14, abs=0.02)


def test_what_many_units_lean_on_is_counted_with_what_could_have_been_seen() -> None:
    given = responses(units=40)
    given[:, 1, 20:], given[:, 2, 20:] = given[:, 2, 20:].copy(), given[:, 1, 20:].copy()
    table, counts = measured(given, MEMBERS)
    place = counts.set_index("question").loc["object or background"]
    assert (place["lean_first"], place["lean_second"]) == (20, 20) and place["neither"] == place["unknown"] == 0
    assert (table["object_lean_leans"][:20] == "object").all() and (
        table["object_lean_leans"][20:] == "background"
    ).all()
    band = counts.set_index("question").loc["low or high"]
    assert band["neither"] >= 37, "both stay alike"
    wide = (table["low_lean_high"] - table["low_lean_low"]).median() / 2
    assert 1.3 * wide < band["smallest"] < 2.5 * wide, "power and the many units cost more than an interval"
    said = sentences(counts, 40)
    assert "20 of 40 units lean on the object and 20 on the background" in said
    assert f"a difference of {band['smallest']:.2f} would have been seen in 80% of cases" in said


def test_units_are_measured_in_parts_as_they_are_together(monkeypatch: pytest.MonkeyPatch) -> None:
    given = responses()
    whole = measured(given, MEMBERS)
    monkeypatch.setattr(leaning, "TOGETHER", 4)
    for one, other in zip(whole, measured(given, MEMBERS), strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_of_units_that_never_change_or_are_hardly_ever_excited_nothing_is_said() -> None:
    given = responses()
    given[:, 0, 0] = 1.0
    given[:, 0, 1] = 0.0
    given[: 2 * LEAST - 4 : 2, 0, 1] = 1.0  # strongest images of too few sets
    table, counts = measured(given, MEMBERS)
    for question in QUESTIONS:
        assert (table[f"{question}_leans"][:2] == "unknown").all() and table[question][:2].isna().all()
    assert counts["unknown"].tolist() == [2, 2]
    assert "2 more are excited by too few images" in sentences(counts, UNITS)
    few, none = measured(given[:20], MEMBERS[:20])
    assert few["object_lean"].isna().all() and "Of none of 6 units" in sentences(none, UNITS)


def test_images_that_belong_together_tell_less() -> None:
    given = np.repeat(responses()[::2], 2, axis=0)  # both of a set are the same
    together, apart = measured(given, MEMBERS)[0], measured(given)[0]
    width = [(each["object_lean_high"] - each["object_lean_low"]).median() for each in (together, apart)]
    assert width[0] > 1.2 * width[1]


def test_a_difference_without_spread_is_told_and_equal_ones_are_not() -> None:
    given = responses()
    given[:, 1], given[:, 2] = given[:, 0], 0.0
    given[:, 3] = given[:, 4]
    table, _ = measured(given, MEMBERS)
    assert (table["object_lean_leans"] == "object").all() and (table["low_lean_leans"] == "neither").all()
    assert table["object_lean"].tolist() == pytest.approx([1] * UNITS)


def test_the_interval_is_that_of_the_house_for_one_unit() -> None:
    """`estimate` of the same two measurements, but for degrees of freedom, which go by the sets of the strongest."""
    given = responses(units=1)
    strong = strongest(given[:, 0], halves(len(given), MEMBERS))
    apart = given - given.mean(axis=0)
    weight = strong - strong.mean(axis=0)
    value, low, high = estimate((weight * apart[:, 1])[:, 0], (weight * apart[:, 0])[:, 0], MEMBERS)
    row = measured(given, MEMBERS)[0].loc[0]
    assert row["object_alone"] == pytest.approx(value)
    assert 1 < (row["object_alone_high"] - row["object_alone_low"]) / (high - low) < 1.15
