"""Whether pictures follow their units' images is judged by size: more units make the verdict surer and never turn it round."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from engine.core.statistics import difference, estimate
from engine.explanation.following import FOLLOWS, LEAVES, PART, UNKNOWN, judged, part_of

NATURAL, SPREAD = (0.43, 0.18), {"honest": (0.14, 0.07), "fooled": (0.0, 0.07), "small": (0.03, 0.07)}
"""Means and standard deviations, over units, of the leads of natural images, of an honest and a fooled network's pictures
(docs/trust.md, 32 units), and of pictures that follow a little."""


def verdicts(pictures: str, units: int) -> Counter[str]:
    """What is said in a hundred samples of so many units."""
    draws = np.random.default_rng(units)
    return Counter(
        str(judged(draws.normal(*SPREAD[pictures], units), draws.normal(*NATURAL, units))["says"]) for _ in range(100)
    )


@pytest.mark.parametrize(("pictures", "right", "wrong"), [("honest", FOLLOWS, LEAVES), ("fooled", LEAVES, FOLLOWS)])
def test_more_units_make_the_verdict_surer_and_never_turn_it_round(pictures: str, right: str, wrong: str) -> None:
    few, many, most = (verdicts(pictures, units) for units in (8, 64, 512))
    assert few[wrong] <= 3 and many[wrong] == most[wrong] == 0, (few, many, most)
    assert few[right] < many[right] <= most[right] == 100 and few[UNKNOWN] > 0 and many[right] > 90, (few, many, most)


def test_a_small_lead_that_many_units_show_for_certain_is_not_enough() -> None:
    draws = np.random.default_rng(0)
    row = judged(draws.normal(*SPREAD["small"], 64), draws.normal(*NATURAL, 64))
    assert float(row["low"]) > 0 and row["says"] == LEAVES and float(row["part_high"]) < PART


def test_the_part_is_that_of_a_paired_comparison() -> None:
    draws = np.random.default_rng(1)
    shared = draws.normal(size=12)
    own, whole = 0.3 + 0.05 * shared + 0.05 * draws.normal(size=12), 0.5 + 0.1 * shared
    part = part_of(own, whole)
    assert part.value == pytest.approx(own.mean() / whole.mean()) and part.low < part.value < part.high
    assert difference(own, part.low * whole).low == pytest.approx(0, abs=1e-9)
    assert difference(own, part.high * whole).high == pytest.approx(0, abs=1e-9)


def test_where_natural_images_were_not_seen_to_lead_nothing_is_told() -> None:
    draws = np.random.default_rng(2)
    own, natural = draws.normal(0.3, 0.05, 8), draws.normal(0.02, 0.2, 8)
    assert estimate(natural).low < 0
    row = judged(own, natural)
    assert row["says"] == UNKNOWN and math.isnan(float(row["part_low"]))
    assert judged(own[:1], natural[:1])["says"] == UNKNOWN, "nor of one unit"


def test_what_is_left_open_says_what_would_have_been_told() -> None:
    draws = np.random.default_rng(3)
    row = judged(draws.normal(PART * 0.43, 0.1, 8), draws.normal(*NATURAL, 8))
    assert row["says"] == UNKNOWN
    assert float(row["wanted"]) == pytest.approx(PART * 0.43, abs=0.03) and 0.05 < float(row["least"]) < 0.25
