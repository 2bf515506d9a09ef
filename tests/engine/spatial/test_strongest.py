"""The strongest images of a unit: those with the largest means, one of each set, whatever the batches were."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.spatial.strongest import LEAST, OTHERS, STRONGEST, Strongest, turned

UNITS, SETS = 4, 15


def planted(size: int) -> tuple[Strongest, np.ndarray, np.ndarray, np.ndarray]:
    """Thirty images in fifteen sets, taken in by batches of `size`; with (sets, scores, own) as they were."""
    draws = np.random.default_rng(0)
    sets = draws.permutation(np.repeat(np.arange(SETS), 2))
    scores, own = draws.random((2, len(sets), UNITS))
    others = draws.random((OTHERS, len(sets), UNITS))
    kept = Strongest(UNITS)
    for start in range(0, len(sets), size):
        part = slice(start, start + size)
        parts = (scores[part], own[part], others[:, part])
        kept.add(sets[part], *map(torch.from_numpy, parts))
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
    kept.add(np.arange(LEAST), *torch.rand(2, LEAST, 1), torch.rand(OTHERS, LEAST, 1))
    assert kept.enough


def test_images_without_an_object_are_passed_over() -> None:
    kept, nothing, others = Strongest(1), torch.full((3, 1), torch.nan), torch.rand(OTHERS, 3, 1)
    kept.add(np.arange(3), torch.rand(3, 1), nothing, others)
    others[-1] = torch.nan
    kept.add(np.arange(3), torch.rand(3, 1), torch.rand(3, 1), others)
    assert not kept._known and kept._score.isinf().all()


def test_the_direction_of_one_half_is_held_against_the_other() -> None:
    """The first unit always marks the object, the second never, the third on every other image."""
    aurocs = np.array([[0.9, 0.2, 0.9], [0.8, 0.1, 0.1]] * 5)
    assert turned(aurocs).mean(axis=0) == pytest.approx([0.8, 0.9, 0.1])


def told(own: torch.Tensor, others: torch.Tensor) -> tuple[dict[str, float], np.ndarray]:
    """The row of a layer for these ten strongest images (image, unit) and (OTHERS, image, unit), beside weaker ones; and its
    units' separation."""
    units = own.shape[1]
    kept = Strongest(units)
    scores = torch.cat([torch.full_like(own, 2.0), torch.rand(LEAST, units)])
    others = torch.cat([others, torch.rand(OTHERS, LEAST, units)], dim=1)
    kept.add(np.arange(len(scores)), scores, torch.cat([own, torch.rand(LEAST, units)]), others)
    separation = kept.separation()
    return kept.row(separation, np.median(separation, axis=1)), separation[0]


def test_units_with_a_direction_are_counted_by_side() -> None:
    own = torch.full((STRONGEST, 5), 0.8)
    own[:, 1] = 0.1
    own[0, 2] = 0.1  # nine of ten
    own[:2, 3] = 0.1  # eight of ten: no direction
    own[:, 4] = 0.5
    assert Strongest._marks(own - 0.5) == (2, 1)
    row, separation = told(own, torch.full((OTHERS, STRONGEST, 5), 0.5))
    assert row["object_share"] == pytest.approx(2 / 3) and row["direction_units"] == 3
    assert row["preferring"] == pytest.approx(3 / 5) and row["preferring_control"] == 0
    assert np.isnan(row["object_share_control"])
    assert row["localisation_strongest_control"] == pytest.approx(0.5)
    assert separation[:2] == pytest.approx([0.8, 0.9])


def test_a_side_is_one_only_beyond_where_objects_mostly_are() -> None:
    """All units are darker where objects mostly are. On its own image's object the first is like on others', the second
    brighter, the third darker still."""
    own = torch.tensor([0.2, 0.4, 0.1]).expand(STRONGEST, -1)
    others = torch.tensor([0.1, 0.2, 0.3])[:, None, None].expand(-1, STRONGEST, 3).clone()
    others[0, :, 2] = 0.2
    row, _ = told(own, others)
    assert row["direction_units"] == 2 and row["preferring"] == pytest.approx(2 / 3) and row["object_share"] == 0.5
    assert row["preferring_control"] == 1 and row["object_share_control"] == 0
    assert row["object_share_control_high"] == pytest.approx(1 - 0.025 ** (1 / 3)), "with its interval"
