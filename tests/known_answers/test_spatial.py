"""Effects planted in maps, tokens, answers and moved images are found with their size; where there is none, none is seen."""

from __future__ import annotations

import pytest

from tests.known_answers.planted import Planted, count, says
from tests.known_answers.spatial import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.experiment}: {case.about}")
def test_what_was_planted_is_found_with_its_size_and_nothing_where_there_was_nothing(case: Planted) -> None:
    counts = count(case, 100)
    assert (counts.recovered or 0) >= 90, says(case, counts)
    assert counts.unseen is None or counts.unseen >= 90, says(case, counts)
