"""What the controls for colour and place take away, and what they leave."""

from __future__ import annotations

import numpy as np
import pytest

from engine.concepts.purity.confounds import controlled, standing, within_places
from tests.engine.concepts.known_units import KINDS, colours, noise, reference, truth


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
