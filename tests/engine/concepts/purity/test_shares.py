"""Shares of units: units that are alike and pass together count once, those that pass each for itself count singly."""

from __future__ import annotations

import numpy as np
import pytest

from engine.concepts.purity import shares
from engine.concepts.purity.measure import measure
from engine.concepts.purity.shares import COUNTED, against, beside, independent
from engine.sites.access import Site
from engine.sites.grid import Grid
from tests.engine.concepts.known_units import KINDS as KNOWN_KINDS
from tests.engine.concepts.known_units import noise, reference, truth

KINDS = 400
NEVER = np.zeros(10)


def count(passed: np.ndarray, standings: np.ndarray, shuffled: np.ndarray = NEVER) -> float:
    return float(independent(passed[:, None].astype(float), standings, shuffled)[0])


@pytest.fixture
def draws() -> np.random.Generator:
    return np.random.default_rng(0)


def test_copies_of_a_unit_count_once_by_chance(draws: np.random.Generator) -> None:
    single, apart = draws.random((4000, 50)) < 0.05, draws.normal(size=(KINDS, 200))
    none = np.zeros(200)
    assert count(none[:50], apart[:, :50], single.mean(axis=1)) == pytest.approx(50, abs=4)
    assert count(none, apart, np.repeat(single, 4, axis=1).mean(axis=1)) == pytest.approx(50, abs=4)


def test_units_that_are_alike_and_pass_together_count_once(draws: np.random.Generator) -> None:
    passed = np.repeat(draws.random(500) < 0.3, 4)
    standings = np.repeat(draws.normal(size=(KINDS, 500)), 4, axis=1) + 0.7 * draws.normal(size=(KINDS, 2000))
    assert count(passed, standings) == pytest.approx(500, rel=0.1)


def test_units_that_are_alike_and_pass_each_for_itself_count_singly(draws: np.random.Generator) -> None:
    standings = np.repeat(draws.normal(size=(KINDS, 500)), 4, axis=1) + 0.7 * draws.normal(size=(KINDS, 2000))
    assert count(draws.random(2000) < 0.3, standings) == pytest.approx(2000, rel=0.1)


def test_units_that_are_not_alike_count_singly(draws: np.random.Generator) -> None:
    assert count(np.arange(300) < 90, draws.normal(size=(KINDS, 300))) == pytest.approx(300, rel=0.02)


def test_few_groups_tell_less_than_the_sum_over_them_says(draws: np.random.Generator) -> None:
    passed = np.repeat([True, False, True, False, False, True], 5)
    standings = np.repeat(draws.normal(size=(KINDS, 6)), 5, axis=1)
    assert count(passed, standings) < 5


def test_all_units_alike_are_one(draws: np.random.Generator) -> None:
    assert count(np.arange(8) < 4, np.repeat(draws.normal(size=(KINDS, 1)), 8, axis=1)) == 1


def test_where_no_unit_passes_chance_alone_tells(draws: np.random.Generator) -> None:
    assert count(np.zeros(30), draws.normal(size=(KINDS, 30))) == 30


def test_a_silent_unit_is_like_no_other() -> None:
    assert count(np.arange(6) < 3, np.zeros((KINDS, 6))) == 6


def test_units_compared_a_few_at_a_time_give_the_same(
    draws: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed, standings = draws.random(50) < 0.4, np.repeat(draws.normal(size=(KINDS, 25)), 2, axis=1)
    whole = count(passed, standings)
    monkeypatch.setattr(shares, "AT_ONCE", 7)
    assert count(passed, standings) == pytest.approx(whole)


def test_every_share_stands_beside_that_of_units_that_mean_nothing() -> None:
    """Half of a layer's units single out a kind each, and of the noise beside it almost none does."""
    site = [Site("layer", 40, Grid(1, 1), 0, "mlp.hidden", "")]
    values = noise(40)
    values[:, :20] += 9.0 * (truth().kinds[:, None] == np.arange(20) * (KNOWN_KINDS // 20))
    tables = shares.shares(site, [measure(values.astype(np.float32), reference())])
    null = shares.shares(site, [measure(noise(40, 3).astype(np.float32), reference())])
    beside(tables, "directions", null)
    beside(tables, "twin", None)
    for table in ("layers", "overall"):
        row = tables[table].iloc[0]
        assert row["kind_units"] >= 0.45 and row["directions_kind_units"] <= 0.1
        for counted in COUNTED:
            column = against("directions", counted)
            assert row[column] == null[table][counted].iloc[0] and np.isnan(row[against("twin", counted)])
            assert row[f"{column}_low"] <= row[column] <= row[f"{column}_high"]
    assert against("twin") == "twin"
