"""Concept units: units with a known answer are held to be what they are, and units that mean nothing stay at the baseline."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.concepts.purity.measure import Measured, measure
from engine.core.discovery import fewest
from tests.engine.concepts.known_units import KINDS, colours, noise, reference, truth


def relu(values: np.ndarray) -> np.ndarray:
    return np.maximum(values, 0)


def bound(found: Measured) -> float:
    """The largest share of units that chance explains."""
    return float(np.percentile(found.baseline, 99.5))


def test_a_unit_that_equals_a_concept_is_a_concept_unit_of_it() -> None:
    known = truth()
    found = measure(known.matrix.astype(np.float32), reference())
    columns = np.arange(len(known.tags))
    assert found.concept.all()
    assert (found.tag == columns).all()
    assert found.auroc[columns, columns] == pytest.approx(1)
    assert found.average_precision[columns, columns] == pytest.approx(1)
    assert found.area == pytest.approx(1)
    assert not found.kind_unit.any()


def test_a_unit_that_equals_a_kind_is_a_kind_unit_of_it_and_of_no_concept() -> None:
    known = truth()
    tagged = np.flatnonzero(known.members.any(axis=1))  # the strongest temptation: kinds that carry a tag alone
    found = measure((known.kinds[:, None] == tagged).astype(np.float32), reference())
    assert not found.concept.any()
    assert found.kind_unit.all()
    assert (found.kind == tagged).all()
    assert found.kind_area == pytest.approx(1)
    assert found.kind_precision == pytest.approx(1)


def test_a_unit_that_follows_the_place_only_is_neither() -> None:
    places = np.array(truth().places)
    found = measure((places[:, None] == np.unique(places)).astype(np.float32), reference())
    assert not found.concept.any()
    assert not found.kind_unit.any()


def test_units_that_follow_colour_only_are_no_more_often_concept_units_than_chance_and_no_kind_units() -> None:
    seen = colours(truth())
    seen = (seen - seen.mean(axis=0)) / seen.std(axis=0)
    found = measure(seen @ np.random.default_rng(0).normal(size=(6, 300)), reference())
    assert found.nominal.mean() <= bound(found)
    assert found.concept.mean() <= 0.02
    assert not found.kind_unit.any()


def test_units_that_fire_for_a_colour_on_one_place_only_are_no_more_often_concept_units_than_chance() -> None:
    known, draws = truth(), np.random.default_rng(1)
    place = np.array(known.places)[:, None] == np.unique(known.places)[draws.integers(0, 4, 300)]
    found = measure(place * relu(colours(known) @ draws.normal(size=(6, 300)) + 0.3), reference())
    assert found.nominal.mean() <= bound(found)
    assert found.concept.mean() <= 0.02


@pytest.mark.parametrize(
    "values",
    [noise(400), relu(noise(400) - 1.8), np.repeat(noise(400)[::2] > 0, 2, axis=0) + 0.01 * noise(400, 1)],
    ids=["dense", "mostly silent", "two-valued, the same for both scenes of a kind"],
)
def test_random_units_stay_within_the_range_of_the_baseline(values: np.ndarray) -> None:
    found = measure(values, reference())
    low, high = np.percentile(found.baseline, (0.5, 99.5))
    assert low <= found.nominal.mean() <= high
    assert found.concept.mean() <= 0.02
    assert found.baseline.mean() <= 0.05 + 1e-9
    assert found.strict.mean() == pytest.approx(found.baseline.mean(), abs=0.02)


def test_random_units_single_out_a_kind_as_rarely_as_chance_does() -> None:
    found = measure(noise(800, 2), reference())
    assert found.kind_unit.mean() == pytest.approx(reference().by_chance, abs=0.012)
    assert found.baseline.mean() == pytest.approx(0.045, abs=0.006)  # the floor takes a little of the 5%


def test_a_unit_that_never_changes_is_nothing() -> None:
    found = measure(np.full((2 * KINDS, 3), 4.0), reference())
    assert not found.concept.any()
    assert not found.kind_unit.any()
    assert found.baseline.max() == 0


def test_a_concept_is_found_through_noise_colour_and_place() -> None:
    known = truth()
    place = np.array(known.places)[:, None] == "sea"
    values = 2.0 * known.matrix[:, :24] + 0.5 * noise(24) + 3 * place + colours(known)[:, :1]
    found = measure(values, reference())
    right = found.beyond & (found.tag == np.arange(24))
    assert right.mean() > 0.8


def test_a_unit_that_follows_what_looks_alike_is_not_beyond_likeness() -> None:
    known = truth()
    alike = np.array(known.subgroups)[known.kinds] == "subgroup 5"
    values = 3.0 * alike[:, None] + noise(60)
    found = measure(values, reference())
    assert (found.nominal & (found.tag == 24)).mean() > 0.8  # six of its seven kinds are of that subgroup
    assert found.beyond.mean() < 0.2
    assert found.strict.mean() > 0.7
    really = measure(3.0 * known.matrix[:, 24:] + noise(60), reference())
    assert really.beyond.mean() > 0.9


def test_a_single_clear_unit_among_many_is_no_concept_unit_while_twenty_are() -> None:
    """The smallest p-value after 1,000 permutations is 1/1001: of 768 units sixteen must have one before it counts."""
    known = truth()
    alone = measure(np.concatenate([known.matrix[:, 7:8] * 1.0, noise(767)], axis=1), reference())
    assert alone.beyond[0] and alone.chance[0] == alone.likeness[0] == pytest.approx(1 / 1001)
    assert not alone.concept.any()
    together = measure(np.concatenate([np.repeat(known.matrix[:, 7:8], 20, axis=1), noise(748)], axis=1), reference())
    assert together.concept[:20].all() and fewest(768, 1 / 1001) == 16


def test_the_order_of_scenes_does_not_matter() -> None:
    known, order = truth(), np.random.default_rng(0).permutation(2 * KINDS)
    moved = replace(
        known, numbers=known.numbers[order], kinds=known.kinds[order], places=tuple(known.places[row] for row in order)
    )
    values = np.concatenate([known.matrix * 1.0, noise(20)], axis=1)
    first = measure(values, reference())
    second = measure(values[order], replace(reference(), truth=moved, basis=reference().basis[order]))
    assert second.score == pytest.approx(first.score, abs=1e-3)
    for name in ("tag", "concept", "kind_unit"):
        assert (getattr(first, name)[:24] == getattr(second, name)[:24]).all()
