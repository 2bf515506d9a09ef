"""Halves of the kinds, and the two nulls that are made of a layer's own units."""

from __future__ import annotations

import numpy as np
import pytest

from engine.concepts.halves import FEWEST_KINDS, directions, exchanged, halves, independent, moving, shuffled
from engine.core.errors import BadRequest


def test_no_kind_is_in_both_halves_and_no_image_in_none() -> None:
    labels = np.repeat(np.arange(30), 4)
    split = halves(labels)
    assert split.by == "kinds"
    assert not {*labels[split.choosing]} & {*labels[split.testing]}
    assert sorted([*split.choosing, *split.testing]) == [*range(120)]
    assert len(split.choosing) == 60


def test_images_without_a_kind_are_kinds_of_their_own() -> None:
    split = halves(np.concatenate([np.repeat(np.arange(25), 4), np.full(40, -1)]))
    assert split.by == "kinds" and len(np.unique(split.kinds)) == 65


def test_where_few_kinds_are_known_images_are_halved() -> None:
    split = halves(np.repeat(np.arange(FEWEST_KINDS - 1), 10))
    assert split.by == "images"
    assert len(split.choosing) == 95 and len(np.unique(split.kinds)) == 190


def test_images_of_a_kind_belong_together_and_so_do_those_of_a_cluster() -> None:
    kinds = np.repeat(np.arange(25), 8)
    assert independent(kinds) == 25
    assert independent(kinds, np.arange(200) // 2) == 25, "clusters within kinds"
    assert independent(np.arange(60), np.arange(60) // 20) == 3, "where each image is a kind of its own"
    assert independent(np.array([0, 1, 2, 3]), np.array([5, 5, 6, 5])) == 2
    assert independent(np.array([0, 1, 1, 2, 3]), np.array([7, 7, 8, 8, 9])) == 2, "a kind joins two clusters"


def test_images_of_a_group_are_in_one_half_and_are_exchanged_together() -> None:
    """Two classes, and twenty patients of whom each has images of both."""
    labels, patients = np.tile([0, 1], 100), np.random.default_rng(0).permutation(np.repeat(np.arange(20), 10))
    split = halves(labels, patients)
    assert split.by == "groups" and len(np.unique(split.kinds)) == 20
    assert not {*patients[split.choosing]} & {*patients[split.testing]}
    for column in exchanged(patients.astype(np.float32), split.kinds, 5).T:
        assert all(len({*column[patients == patient]}) == 1 for patient in range(20))


def test_groups_within_kinds_change_nothing_and_groups_of_several_kinds_join_them() -> None:
    labels = np.repeat(np.arange(30), 4)
    alone, known = halves(labels), halves(labels, np.arange(120) // 2)
    assert known.by == "kinds" and known.kinds.tolist() == alone.kinds.tolist()
    assert known.choosing.tolist() == alone.choosing.tolist()
    joined = halves(labels, np.arange(120) // 8)
    assert joined.by == "groups" and len(np.unique(joined.kinds)) == 15


def test_images_that_all_belong_together_are_refused() -> None:
    with pytest.raises(BadRequest, match="All these images belong together"):
        halves(np.tile([0, 1], 50), np.zeros(100, int))


def test_units_that_are_constant_in_a_half_do_not_change_and_are_not_drawn() -> None:
    split = halves(np.full(60, -1))
    values = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    values[:, 1] = 3
    values[split.testing, 2] = 0
    assert moving(values, split).tolist() == [True, False, False, True]
    assert {*shuffled(values, split, 200).max(axis=0)} == {*values[:, [0, 3]].max(axis=0)}


def test_a_random_direction_moves_with_the_units_and_no_large_unit_rules_it() -> None:
    values = np.random.default_rng(0).normal(size=(500, 20)).astype(np.float32)
    values[:, 0] *= 1000
    found = directions(values, 300)
    alike = np.abs(np.corrcoef(np.concatenate([values[:, :1], found], axis=1).T)[0, 1:])
    assert found.shape == (500, 300)
    assert alike.mean() == pytest.approx(np.sqrt(2 / np.pi / 20), abs=0.05)
    assert not directions(np.ones((500, 3), np.float32), 5).any()


def test_shuffled_units_keep_their_values_and_the_images_of_a_kind_together() -> None:
    kinds = np.repeat(np.arange(40), 3)
    split = halves(kinds)
    found = shuffled(kinds[:, None].astype(np.float32), split, 70)
    for column in found.T:
        for rows in (split.choosing, split.testing):
            assert sorted(column[rows]) == sorted(kinds[rows])
        assert all(len({*column[kinds == kind]}) == 1 for kind in range(40))
    assert (found != kinds[:, None]).mean() > 0.8


def test_exchanged_kinds_are_whole_and_come_in_another_order_each_time() -> None:
    kinds = np.random.default_rng(1).permutation(np.repeat(np.arange(40), 3))
    found = exchanged(kinds.astype(np.float32), kinds, 70)
    assert found.shape == (120, 70) and len(np.unique(found, axis=1).T) == 70
    for column in found.T:
        assert sorted(column) == sorted(kinds)
        assert all(len({*column[kinds == kind]}) == 1 for kind in range(40))


def test_images_of_a_kind_come_in_an_order_of_chance_too() -> None:
    kinds, values = np.repeat(np.arange(30), 4), np.tile(np.arange(4.0), 30)
    first = exchanged(values, kinds, 200)[0]
    assert np.bincount(first.astype(int), minlength=4).min() > 30, "each of the four stands first about as often"
