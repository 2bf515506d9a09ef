"""Permutations of tags: tail probabilities of random kinds, and what each permutation keeps."""

from __future__ import annotations

import numpy as np
import pytest

from engine.concepts.purity import permutation
from engine.concepts.purity.permutation import EXACT, STEPS, Concepts, permuted, permuted_within, tail_tables
from engine.concepts.purity.ranking import (
    mid_ranks,
)
from tests.engine.concepts.known_units import KINDS, truth


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
    order = permuted(KINDS, 1, 5)[0]
    tables = tail_tables(int(size) for size in known.members.sum(axis=0))
    found = concepts.scores(stands, order)
    for tag, unit in np.ndindex(found.shape):
        values = np.sort(stands[order[np.flatnonzero(known.members[:, tag])], unit].astype(np.float64))
        step = round(float(values[:-1].mean()) * STEPS)
        table = tables[len(values)]
        assert table[max(step - 1, 0)] - 1e-4 <= found[tag, unit] <= table[min(step + 1, STEPS)] + 1e-4
    assert concepts.best(stands, order[None])[0] == pytest.approx(found.max(axis=0))


def test_units_that_pass_under_permutations_are_counted_at_the_concept_that_they_follow_best_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known, draws = truth(), np.random.default_rng(4)
    concepts, stands = Concepts.of(known.members), draws.random((KINDS, 30), np.float32)
    permutations, passed = permuted(KINDS, 12, 6), draws.random((7, 30)) < 0.3
    monkeypatch.setattr(permutation, "PAIRS", 10)
    found = concepts.followed(stands, permutations, passed)
    for row, (one, units) in enumerate(zip(permutations, passed, strict=False)):
        best = concepts.scores(stands, one).argmax(axis=0)[units]
        assert found[row].tolist() == np.bincount(best, minlength=25).tolist()


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
    for order in permuted(KINDS, 20, 0):
        assert sorted(order) == [*range(KINDS)]
    moved = permuted_within(known, 20, 0)
    for order in moved:
        assert sorted(order) == [*range(KINDS)]
        assert (subgroups[order] == subgroups).all()
    assert (moved[0] != np.arange(KINDS)).mean() > 0.8
