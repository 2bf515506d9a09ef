"""What the controls for colour and place take away, and what they leave."""

from __future__ import annotations

import numpy as np
import pytest

from engine.concepts.purity.confounds import control_basis, controlled, mean_colours, standing, within_places
from tests.engine.concepts.known_units import KINDS, colours, noise, reference, truth
from tests.engine.world import GREEN, RED, Squares, box


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


class Boxed(Squares):
    """Squares with boxes that are wider than the object, and masks as the test says."""

    def __init__(self, masks: str) -> None:
        super().__init__()
        self.masks = masks

    def mask(self, index: int) -> np.ndarray | None:
        mask = super().mask(index)
        return {"exact": mask, "empty": np.zeros_like(mask), "small": np.ones((2, 2), bool), "none": None}[self.masks]

    def boxes(self, index: int) -> list[tuple[int, int, int, int]]:
        left, top, right, bottom = box(index)
        return [(left, top, right + 4, bottom)]


NUMBERS = np.array([0, 3, 6, 9])
REDS = np.array([RED[number % 4] for number in NUMBERS]) / 255


def test_a_mask_comes_before_a_box() -> None:
    found = mean_colours(Boxed("exact"), NUMBERS)
    np.testing.assert_allclose(found[:, 0], REDS)
    assert (found[:, 1:3] == 0).all(), "nothing of the place behind it"


@pytest.mark.parametrize("masks", ["none", "empty"])
def test_a_box_stands_for_a_missing_or_empty_mask(masks: str) -> None:
    found = mean_colours(Boxed(masks), NUMBERS)
    np.testing.assert_allclose(found[:, 0], REDS * 12 / 16)
    greens = np.array([GREEN[number % 4 // 2] for number in NUMBERS]) / 255
    np.testing.assert_allclose(found[:, 1], greens * 4 / 16)


def test_a_mask_of_another_size_says_nothing_and_the_whole_picture_stands_for_the_object() -> None:
    found = mean_colours(Boxed("small"), NUMBERS)
    np.testing.assert_allclose(found[:, :3], found[:, 3:])


def test_the_picture_is_told_beside_the_object() -> None:
    found = mean_colours(Boxed("exact"), NUMBERS)
    share = 12 * 14 / 32**2
    greens = np.array([GREEN[number % 4 // 2] for number in NUMBERS]) / 255
    np.testing.assert_allclose(
        found[:, 3:], np.stack([REDS * share, greens * (1 - share), 0 * REDS], axis=1), atol=1e-12
    )


def test_progress_is_told_every_hundred_scenes() -> None:
    told: list[int] = []
    mean_colours(Squares(250), np.arange(250), told.append)
    assert told == [0, 100, 200]


def test_the_basis_explains_every_place_and_bent_functions_of_colour() -> None:
    known, seen = truth(), colours(truth())
    basis = control_basis(known, seen)
    places = np.array(known.places)
    wanted = [places == place for place in np.unique(places)]
    wanted += [seen[:, 0], seen[:, 4] ** 2, seen[:, 0] * seen[:, 2]]
    for column in np.stack(wanted, axis=1).astype(float).T:
        left = column - basis @ (basis.T @ column)
        assert np.linalg.norm(left) < 1e-6 * np.linalg.norm(column)
