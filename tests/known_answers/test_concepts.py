"""Names and concept units of known size are found, what means nothing is not, and few discoveries are false."""

from __future__ import annotations

import numpy as np
import pytest

from tests.known_answers.concepts import BEYOND, CASES, FOLLOWING, beyond_of, named
from tests.known_answers.planted import Planted, count, says

SINGLE, SHARES = CASES[:2], CASES[2:]


@pytest.mark.parametrize("case", SINGLE, ids=[case.experiment for case in SINGLE])
def test_an_effect_of_known_size_is_recovered_and_nothing_is_seen_where_nothing_was_planted(case: Planted) -> None:
    counts = count(case, 100)
    assert (counts.recovered or 0) >= 90, says(case, counts)
    assert counts.unseen is not None and counts.unseen >= 90, says(case, counts)
    assert counts.seen >= 80, says(case, counts)


@pytest.mark.parametrize("case", SHARES, ids=["each for itself", "two models", "together"])
def test_the_interval_of_a_share_of_units_that_are_alike_holds_what_other_such_layers_have(case: Planted) -> None:
    counts = count(case, 100)
    assert (counts.recovered or 0) >= 90, says(case, counts)
    assert counts.unseen is not None and counts.unseen >= 90, says(case, counts)


@pytest.mark.parametrize("together", [False, True])
def test_the_share_that_is_looked_for_is_that_of_many_other_layers(together: bool) -> None:
    assert beyond_of(0.3, 100, together) == pytest.approx(BEYOND[0.3], abs=0.03)


def test_of_the_names_of_a_layer_few_are_false() -> None:
    false = []
    for seed in range(60):
        arrays, _, words = named(seed, FOLLOWING)
        right = np.zeros(len(arrays["abstained"]), bool)
        right[:FOLLOWING] = arrays["words"][:FOLLOWING, 0] == words
        given = ~arrays["abstained"]
        false.append((given & ~right).sum() / max(1, given.sum()))
    assert np.mean(false) <= 0.05
