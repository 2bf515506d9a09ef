"""Reliance on place, frequency and texture of a known size is found again, and where nothing was planted nothing is seen."""

from __future__ import annotations

import pytest

from tests.known_answers.planted import Planted, count, says
from tests.known_answers.reliance import CASES, RELIED, relied

DRAWS = 100


@pytest.mark.parametrize("case", CASES, ids=[f"{case.experiment}: {case.about}" for case in CASES])
def test_what_was_planted_is_found_and_nothing_else_is_seen(case: Planted) -> None:
    counts = count(case, DRAWS)
    assert (counts.recovered or 0) >= 90 and counts.seen >= 50, says(case, counts)
    assert counts.unseen is None or counts.unseen >= 90, says(case, counts)


@pytest.mark.parametrize("trust", RELIED)
def test_the_reliance_that_is_looked_for_is_that_of_very_many_scenes(trust: float) -> None:
    assert relied(trust, 25) == pytest.approx(RELIED[trust], abs=0.03)
