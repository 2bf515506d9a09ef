"""What the test of concept units can find: more kinds and a larger AUROC more often, and what it cannot is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.concepts.purity.power import column, findable, power, typical
from engine.core.discovery import FALSE
from tests.engine.concepts.known_units import reference, truth


def test_more_kinds_and_a_larger_auroc_are_found_more_often() -> None:
    known = reference()
    table = power(known.concepts, known.chance, FALSE)
    assert table["kinds"].tolist() == [3, 4, 5, 6, 7, 8]
    assert table["concepts"].sum() == 25
    rows = table[[column(auroc) for auroc in (0.7, 0.77, 0.85, 0.95)]].to_numpy()
    assert (np.diff(rows, axis=1) >= 0).all() and rows[0, -1] < rows[-1, -1]
    assert 0.02 < typical(table, 0.77) < 0.6


def test_a_concept_whose_kinds_only_look_alike_is_left_out() -> None:
    known = truth()
    like = np.array(known.subgroups)
    members = known.members.copy()
    members[:, 7] = like == "subgroup 3"  # all kinds of a subgroup: exchanging them changes nothing
    kept = findable(replace(known, members=members))
    assert not kept[7] and findable(known)[7]
    assert known.members.sum(axis=0)[7] == pytest.approx(8)
