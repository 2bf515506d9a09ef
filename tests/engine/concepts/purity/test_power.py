"""What the test of concept units can find: more kinds and a larger AUROC more often, and what it cannot is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.concepts.purity.confounds import standing
from engine.concepts.purity.power import NOMINAL, SINGLE, column, findable, power, typical
from engine.core.discovery import FALSE
from tests.engine.concepts.known_units import reference, truth


def test_more_kinds_and_a_larger_auroc_are_found_more_often() -> None:
    known = reference()
    table = power(known.concepts, known.chance, {NOMINAL: FALSE})
    assert table["kinds"].tolist() == [3, 4, 5, 6, 7, 8]
    assert table["concepts"].sum() == 25
    rows = table[[column(auroc) for auroc in (0.7, 0.77, 0.85, 0.95)]].to_numpy()
    assert (np.diff(rows, axis=1) >= 0).all() and rows[0, -1] < rows[-1, -1]
    assert 0.02 < typical(table, 0.77) < 0.6


def test_a_single_unit_of_a_layer_is_found_less_often_than_one_that_is_tested_alone() -> None:
    """Held against the test itself: units of AUROC 0.85, planted here, by their p-value among a thousand permutations."""
    known = reference()
    concepts, cuts = known.concepts, {NOMINAL: FALSE, SINGLE: 1 / (len(known.permutations) + 1)}
    table = power(concepts, known.chance, cuts)
    assert table[column(0.85)].tolist() == power(concepts, known.chance, {NOMINAL: FALSE})[column(0.85)].tolist()
    (row,) = table[table["kinds"] == 8].to_dict("records")
    tags, draws = np.flatnonzero(concepts.sizes == 8), np.random.default_rng(5)
    tag = draws.choice(tags, 300)
    shift = np.sqrt(2) * 1.0364  # the normal quantile of 0.85
    values = draws.standard_normal((concepts.kinds, 300)) + shift * concepts.members[:, tag]
    stands = standing(values)
    scores = concepts.scores(stands)
    best, right = scores.max(axis=0), scores.argmax(axis=0) == tag
    p = (1 + (concepts.best(stands, known.permutations) >= best).sum(axis=0)) / (1 + len(known.permutations))
    for name, cut in cuts.items():
        assert row[column(0.85, name)] == pytest.approx((right & (p <= cut)).mean(), abs=0.09), name
    assert row[column(0.85, SINGLE)] < row[column(0.85)] - 0.15


def test_a_concept_whose_kinds_only_look_alike_is_left_out() -> None:
    known = truth()
    like = np.array(known.subgroups)
    members = known.members.copy()
    members[:, 7] = like == "subgroup 3"  # all kinds of a subgroup: exchanging them changes nothing
    kept = findable(replace(known, members=members))
    assert not kept[7] and findable(known)[7]
    assert known.members.sum(axis=0)[7] == pytest.approx(8)
