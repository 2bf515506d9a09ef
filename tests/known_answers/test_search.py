"""What is compared with chance is found where it was planted, and seldom where it was not."""

from __future__ import annotations

import pytest

from tests.known_answers.planted import Planted, count, says
from tests.known_answers.search import CASES


@pytest.mark.parametrize("case", CASES, ids=[case.experiment for case in CASES])
def test_an_effect_is_seen_and_nothing_is_seen_where_nothing_was_planted(case: Planted) -> None:
    counts = count(case, 100)
    assert counts.recovered is None, "these experiments give no interval"
    assert counts.seen >= 80, says(case, counts)
    assert counts.unseen is not None and counts.unseen >= 90, says(case, counts)
