"""Planted accuracies, differences and activations are found again, and what was not planted is not seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.evaluation.tally import Strongest
from tests.known_answers.evaluation import CASES
from tests.known_answers.planted import Planted, count, says

DRAWS, WANTED = 100, 90


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.experiment)
def test_the_interval_holds_what_was_planted_and_nothing_is_seen_where_nothing_was(case: Planted) -> None:
    counts = count(case, DRAWS)
    assert (counts.recovered or 0) >= WANTED, says(case, counts)
    assert counts.unseen is None or counts.unseen >= WANTED, says(case, counts)
    assert counts.seen >= WANTED, says(case, counts)


def test_the_strongest_images_are_those_that_were_planted_in_their_order() -> None:
    """Each unit's strongest images, in whatever batches they come: the sort of all values, told by another route."""
    draws = torch.Generator().manual_seed(0)
    values = torch.randn(200, 5, generator=draws)
    kept = Strongest(5, 8, (1, 1), torch.device("cpu"))
    for part in torch.arange(200).split(33):
        kept.add(part, values[part], values[part][:, None])
    ids, found, maps = kept.arrays(200)
    expected = np.argsort(-values.numpy(), axis=0)[:8].T
    assert np.array_equal(ids, expected)
    np.testing.assert_array_equal(found, np.take_along_axis(values.numpy().T, expected, axis=1))
    np.testing.assert_allclose(maps[..., 0, 0], found, atol=2e-3)
