"""Planted effects of what explains a unit are found with their intervals, and nothing is where nothing was planted."""

from __future__ import annotations

import pytest

from tests.known_answers.explanation import CASES
from tests.known_answers.planted import Planted, count, says


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.about)
def test_a_planted_effect_is_found(case: Planted) -> None:
    counts = count(case, 100)
    assert (counts.recovered or 0) >= 90, says(case, counts)
    assert counts.unseen is None or counts.unseen >= 90, says(case, counts)
