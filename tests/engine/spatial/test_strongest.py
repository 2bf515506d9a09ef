"""The strongest images of a unit: those with the largest means, one of each set, whatever the batches were."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.spatial.strongest import LEAST, STRONGEST, Strongest, turned

UNITS, SETS = 4, 15


def planted(size: int) -> tuple[Strongest, np.ndarray, np.ndarray, np.ndarray]:
    """Thirty images in fifteen sets, taken in by batches of `size`; with (sets, scores, own) as they were."""
    draws = np.random.default_rng(0)
    sets = draws.permutation(np.repeat(np.arange(SETS), 2))
    scores, own, control = draws.random((3, len(sets), UNITS))
    kept = Strongest(UNITS)
    for start in range(0, len(sets), size):
        part = slice(start, start + size)
        kept.add(sets[part], *(torch.from_numpy(each[part]) for each in (scores, own, control)))
    return kept, sets, scores, own


@pytest.mark.parametrize("size", [1, 7, 30])
def test_ten_images_of_different_sets_are_kept_strongest_first(size: int) -> None:
    kept, sets, scores, own = planted(size)
    for unit in range(UNITS):
        seen, chosen = set[int](), list[int]()
        for image in np.argsort(-scores[:, unit]):
            if sets[image] not in seen:
                seen.add(int(sets[image]))
                chosen.append(int(image))
        np.testing.assert_allclose(kept._own[:, unit], own[chosen[:STRONGEST], unit], rtol=1e-6)
        assert kept._cluster[:, unit].tolist() == sets[chosen[:STRONGEST]].tolist()


def test_fifteen_sets_are_too_few_for_ten_of_them_to_be_the_strongest() -> None:
    assert SETS < LEAST and not planted(30)[0].enough
    kept = Strongest(1)
    kept.add(np.arange(LEAST), *(torch.rand(LEAST, 1) for _ in range(3)))
    assert kept.enough


def test_images_without_an_object_are_passed_over() -> None:
    kept, nothing = Strongest(1), torch.full((3, 1), torch.nan)
    kept.add(np.arange(3), torch.rand(3, 1), nothing, torch.rand(3, 1))
    kept.add(np.arange(3), torch.rand(3, 1), torch.rand(3, 1), nothing)
    assert not kept._known and kept._score.isinf().all()


def test_the_direction_of_one_half_is_held_against_the_other() -> None:
    """The first unit always marks the object, the second never, the third on every other image."""
    aurocs = np.array([[0.9, 0.2, 0.9], [0.8, 0.1, 0.1]] * 5)
    assert turned(aurocs).mean(axis=0) == pytest.approx([0.8, 0.9, 0.1])


def test_units_with_a_direction_are_counted_by_side() -> None:
    own = torch.full((STRONGEST, 5), 0.8)
    own[:, 1] = 0.1
    own[0, 2] = 0.1  # nine of ten
    own[:2, 3] = 0.1  # eight of ten: no direction
    own[:, 4] = 0.5
    assert Strongest._marks(own) == (2, 1)
    kept = Strongest(5)
    images = torch.cat([own, torch.rand(LEAST, 5)])
    scores = torch.cat([torch.full((STRONGEST, 5), 2.0), torch.rand(LEAST, 5)])
    kept.add(np.arange(len(images)), scores, images, torch.full_like(images, 0.5))
    separation = kept.separation()
    row = kept.row(separation, np.median(separation, axis=1))
    assert row["object_share"] == pytest.approx(2 / 3) and row["direction_units"] == 3
    assert row["preferring"] == pytest.approx(3 / 5) and row["preferring_control"] == 0
    assert row["localisation_strongest_control"] == pytest.approx(0.5)
    assert separation[0, :2] == pytest.approx([0.8, 0.9])
