"""Sentences on names give the number that a word was tested by."""

from __future__ import annotations

import numpy as np

from engine.concepts import telling
from tests.engine.concepts import made


def test_a_layer_says_how_many_have_a_name_and_what_the_same_search_finds_elsewhere() -> None:
    said = telling.of_layer(made.naming())
    assert said.startswith("576 of 768 units (75.0%) have a name")
    assert "90.0% against shuffled kinds alone, 75.0% against random directions of this layer alone." in said
    assert "0.0% of shuffled units, 4.0% of random directions would get a name" in said
    assert "An AUROC of 0.83 would have been found in 80% of cases." in said


def test_where_no_auroc_would_have_been_enough_that_is_said() -> None:
    naming = made.naming()
    naming.facts["smallest"] = 1.0
    assert "no AUROC would have been enough" in telling.of_layer(naming)


def test_a_unit_without_a_name_says_what_its_word_does_not_stand_out_from() -> None:
    naming = made.naming()
    assert telling.of_unit(naming, 0).endswith("in 80% of pairs (70 to 88%; chance 50%).")
    assert telling.of_unit(naming, 3).endswith("chance 50%): not reliably more than with shuffled kinds.")


def test_what_stands_out_from_one_null_is_not_told_to_fall_behind_both() -> None:
    """No unit has a name, since none stands out from the untrained network; all stand out from shuffled kinds."""
    naming = made.naming()
    naming.facts["largest_p"] = 0.0
    naming.arrays["p_shuffled"][:], naming.arrays["p_twin"] = 0.001, 0.5 * np.ones(made.UNITS, np.float32)
    naming.arrays["abstained"][:] = True
    assert telling.of_unit(naming, 3).endswith("chance 50%): not reliably more than with the untrained network.")


def test_how_few_units_cannot_be_found_stands_beside_how_many_were() -> None:
    naming = made.naming()
    assert "Fewer than 16 such units cannot be found" in telling.of_layer(naming)
    naming.facts["fewest"] = 1
    assert "cannot be found" not in telling.of_layer(naming)
    naming.facts["fewest"] = 2 * made.UNITS
    assert "So few units can have no name at all: 1536 would" in telling.of_layer(naming)
