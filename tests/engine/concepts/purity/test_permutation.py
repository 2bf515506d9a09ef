"""The parts of the test for concept units: each agrees with a plain second route, and keeps what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from engine.concepts.purity.confounds import controlled, standing, within_places
from engine.concepts.purity.permutation import EXACT, STEPS, Concepts, permuted, permuted_within, tail_tables
from engine.concepts.purity.ranking import (
    auroc,
    average_precision,
    best_kinds,
    kind_means,
    mid_ranks,
    ranks_and_counts,
    singled_out_by_chance,
)
from engine.concepts.purity.shares import independent
from tests.engine.concepts.known_units import KINDS, colours, noise, reference, truth


@pytest.fixture(scope="module")
def tied() -> tuple[np.ndarray, np.ndarray]:
    """Values (40, 6) with many ties, a constant unit among them, and truth (40, 5)."""
    draws = np.random.default_rng(1)
    values = draws.integers(0, 6, (40, 6)).astype(np.float32)
    values[:, 5] = 3
    return values, draws.random((40, 5)) < 0.3


def test_auroc_is_the_share_of_pairs_in_the_right_order(tied) -> None:
    values, known = tied
    found = auroc(mid_ranks(values), known)
    for unit, column in np.ndindex(found.shape):
        inside, outside = values[known[:, column], unit], values[~known[:, column], unit]
        pairs = [(a > b) + 0.5 * (a == b) for a in inside for b in outside]
        assert found[unit, column] == pytest.approx(np.mean(pairs))
    assert found[5] == pytest.approx(0.5)


def test_average_precision_is_the_area_under_precision_over_recall_threshold_by_threshold(tied) -> None:
    values, known = tied
    found = average_precision(ranks_and_counts(values)[1], known)
    for unit, column in np.ndindex(found.shape):
        total, recall = 0.0, 0.0
        for threshold in sorted(set(values[:, unit]), reverse=True):
            retrieved = values[:, unit] >= threshold
            right = (retrieved & known[:, column]).sum()
            now = right / known[:, column].sum()
            total, recall = total + (now - recall) * right / retrieved.sum(), now
        assert found[unit, column] == pytest.approx(total)
    assert found[5] == pytest.approx(known.mean(axis=0))


def test_a_tag_of_no_row_has_no_precision() -> None:
    assert np.isnan(average_precision(ranks_and_counts(np.eye(3))[1], np.zeros((3, 1), bool))).all()


@pytest.mark.parametrize("kinds", [2, 3, 5, 12, EXACT, EXACT + 1])
def test_tail_probabilities_are_those_of_random_kinds(kinds: int) -> None:
    places = np.sort(np.random.default_rng(kinds).random((200_000, kinds)), axis=1)
    means, table = places[:, :-1].mean(axis=1), tail_tables([kinds])[kinds]
    steps = np.arange(STEPS + 1)
    for share in (0.2, 0.8, 0.99, 0.999):
        mean = np.quantile(means, share)
        assert 10 ** -np.interp(mean * STEPS, steps, table) == pytest.approx(1 - share, rel=0.25)
    assert (np.diff(table) >= 0).all()
    assert table[-1] > 20


def test_scores_are_what_a_plain_loop_over_tags_and_units_gives() -> None:
    known = truth()
    concepts, stands = Concepts.of(known.members), np.random.default_rng(3).random((KINDS, 4), np.float32)
    permutation = permuted(KINDS, 1, 5)[0]
    tables = tail_tables(int(size) for size in known.members.sum(axis=0))
    found = concepts.scores(stands, permutation)
    for tag, unit in np.ndindex(found.shape):
        values = np.sort(stands[permutation[np.flatnonzero(known.members[:, tag])], unit].astype(np.float64))
        step = round(float(values[:-1].mean()) * STEPS)
        table = tables[len(values)]
        assert table[max(step - 1, 0)] - 1e-4 <= found[tag, unit] <= table[min(step + 1, STEPS)] + 1e-4
    assert concepts.best(stands, permutation[None])[0] == pytest.approx(found.max(axis=0))


def test_controlled_auroc_leaves_the_strongest_kind_out_and_compares_with_kinds_without_the_tag() -> None:
    known = truth()
    values = np.random.default_rng(4).normal(size=(KINDS, 3))
    found = Concepts.of(known.members).areas(mid_ranks(values))
    for tag, unit in np.ndindex(found.shape):
        inside = np.sort(values[known.members[:, tag], unit])[:-1]
        outside = values[~known.members[:, tag], unit]
        assert found[tag, unit] == pytest.approx((inside[:, None] > outside).mean())


def test_in_every_permutation_a_tag_keeps_its_number_of_kinds_and_within_subgroups_also_of_each_subgroup() -> None:
    known = truth()
    subgroups = np.array(known.subgroups)
    for permutation in permuted(KINDS, 20, 0):
        assert sorted(permutation) == [*range(KINDS)]
    moved = permuted_within(known, 20, 0)
    for permutation in moved:
        assert sorted(permutation) == [*range(KINDS)]
        assert (subgroups[permutation] == subgroups).all()
    assert (moved[0] != np.arange(KINDS)).mean() > 0.8


def test_a_place_neither_raises_nor_stretches_what_a_unit_does() -> None:
    known = truth()
    sea = (np.array(known.places) == "sea")[:, None]
    values = noise(5)
    assert within_places(np.where(sea, 9 * values + 50, values), known.places) == pytest.approx(
        within_places(values, known.places)
    )
    assert (within_places(sea.astype(float), known.places) == 0.5).all()


def test_what_is_left_after_the_controls_is_uncorrelated_with_colour_and_has_no_mean_on_any_place() -> None:
    known, basis = truth(), reference().basis
    left = controlled(noise(5) + colours(known) @ np.ones((6, 5)), basis)
    seen = colours(known) - colours(known).mean(axis=0)
    assert np.abs(seen.T @ left).max() < 1e-6
    for place in set(known.places):
        assert np.abs(left[np.array(known.places) == place].mean(axis=0)).max() < 1e-9
    assert basis.T @ basis == pytest.approx(np.eye(basis.shape[1]), abs=1e-9)
    assert basis.shape[1] < len(known.numbers) / 4


def test_a_unit_that_the_controls_explain_or_that_never_changes_is_exactly_zero() -> None:
    known = truth()
    explained = colours(known) @ np.arange(1.0, 7)[:, None] + 40
    values = np.concatenate([explained, np.full((len(explained), 1), 7.7)], axis=1).astype(np.float32)
    assert (controlled(values, reference().basis) == 0).all()
    assert (standing(np.zeros((KINDS, 2))) == 0.5).all()


def test_the_best_kind_and_its_precision_are_what_plain_loops_give() -> None:
    kinds = np.random.default_rng(0).permutation(np.repeat(np.arange(8), [2, 2, 2, 3, 3, 3, 4, 1])).astype(np.int32)
    values = np.random.default_rng(2).integers(0, 9, (20, 12)).astype(np.float64)
    best, areas, precision = best_kinds(values, kinds)
    for unit in range(12):
        every = [auroc(mid_ranks(values[:, [unit]]), (kinds == kind)[:, None])[0, 0] for kind in range(8)]
        assert areas[unit] == pytest.approx(max(every))
        assert every[best[unit]] == pytest.approx(max(every))
        reached = values[:, unit] >= values[kinds == best[unit], unit].min()
        assert precision[unit] == pytest.approx((kinds[reached] == best[unit]).mean())
    assert kind_means(values, kinds)[3] == pytest.approx(values[kinds == 3].mean(axis=0))


def test_random_units_hardly_ever_single_out_a_kind() -> None:
    # Both scenes of one kind among the first four of 480: six pairs, each of one kind in 1 of 479 cases.
    assert singled_out_by_chance(truth().kinds) == pytest.approx(6 / 479, abs=0.008)


def test_copies_of_a_unit_count_once() -> None:
    draws = np.random.default_rng(0)
    single = draws.random((4000, 50)) < 0.05
    assert independent(single.mean(axis=1), 50) == pytest.approx(50, abs=4)
    assert independent(np.repeat(single, 4, axis=1).mean(axis=1), 200) == pytest.approx(50, abs=4)
    assert independent(np.zeros(10), 30) == 30
