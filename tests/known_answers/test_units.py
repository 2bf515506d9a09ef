"""What units were made to lean on is found with its size and said, and units that lean on nothing are said to lean on nothing."""

from __future__ import annotations

import pytest

from tests.known_answers.planted import Planted, count, says
from tests.known_answers.units import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.about)
def test_what_a_unit_leans_on_is_found_and_nothing_else_is_seen(case: Planted) -> None:
    counts = count(case, 100)
    assert (counts.recovered or 0) >= 90 and counts.seen >= 90, says(case, counts)
    assert (counts.unseen or 0) >= 90, says(case, counts)
