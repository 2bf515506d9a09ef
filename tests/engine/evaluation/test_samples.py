"""Labelled images one by one: the same ones each time, with where the object is, and a reason for each that is left out."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from engine.core.errors import BadRequest, Forbidden, RefusedFile
from engine.evaluation.samples import chosen, drawn, in_batches, region_of, saliency_is_here, samples
from engine.models import catalog
from tests.engine.world import SIDE, Squares, box

EVERY = np.arange(4)


def test_a_limit_draws_the_same_images_each_time_in_their_order_with_the_models_classes() -> None:
    numbers, labels = chosen(Squares(40), EVERY[::-1], limit=7)
    again, _ = chosen(Squares(40), EVERY[::-1], limit=7)
    assert len(numbers) == 7 and (numbers == again).all() and (np.diff(numbers) > 0).all()
    assert (labels == 3 - numbers % 4).all()


def test_without_a_limit_all_images_of_known_classes_are_chosen() -> None:
    numbers, labels = chosen(Squares(8), np.array([5, -1, 6, -1]))
    assert numbers.tolist() == [0, 2, 4, 6] and labels.tolist() == [5, 6, 5, 6]
    with pytest.raises(BadRequest, match="no image with a label among the model"):
        chosen(Squares(8), np.full(4, -1))


def test_with_or_without_labels_images_are_drawn_the_same_each_time() -> None:
    class Unlabelled(Squares):
        def label(self, index: int) -> int | None:
            return None if index % 2 or self.name == "none" else index % 4

    assert drawn(Unlabelled(40), 0).tolist() == [*range(0, 40, 2)], "those with an object to name"
    few = drawn(Unlabelled(40), 7)
    assert len(few) == 7 and (few == drawn(Unlabelled(40), 7)).all() and (np.diff(few) > 0).all()
    assert drawn(Unlabelled(9, "none"), 50).tolist() == [*range(9)], "where none is labelled, all"


def test_box_and_mask_of_the_same_object_are_the_same_region() -> None:
    squares = Squares()
    for number in (0, 5):
        left, top, right, bottom = box(number)
        region = region_of(squares, number, squares.image(number), "box")
        assert region.sum() == (right - left) * (bottom - top) and region[top, left] and not region[top - 1, left]
        assert (region == region_of(squares, number, squares.image(number), "mask")).all()


class Marred(Squares):
    """Squares of which the first five have something wrong, each something else."""

    def image(self, index: int) -> np.ndarray:
        if index == 0:
            raise RefusedFile("it is cut off.")
        return super().image(index)

    def boxes(self, index: int) -> list[tuple[int, int, int, int]] | None:
        outside = [(SIDE + 1, SIDE + 1, SIDE + 9, SIDE + 9)]
        return None if index == 1 else [] if index == 2 else outside if index == 3 else super().boxes(index)

    def drawn_on(self, index: int) -> tuple[int, int] | None:
        return (64, 48) if index == 4 else (SIDE, SIDE)


def test_each_image_is_handed_on_or_told_with_its_reason() -> None:
    skipped: dict[str, str] = {}
    handed_on = [sample.index for sample in samples(Marred(7), range(7), [0] * 7, "box", skipped)]
    assert handed_on == [5, 6]
    assert skipped == {
        "0.png": "it is cut off.",
        "1.png": "it has no box of its class.",
        "2.png": "it has no box of its class.",
        "3.png": "its boxes lie outside the image of 32 x 32 pixels.",
        "4.png": "its boxes were drawn on 64 x 48 pixels, it has 32 x 32.",
    }


def test_where_nothing_is_cut_only_what_cannot_be_decoded_is_left_out() -> None:
    skipped: dict[str, str] = {}
    handed_on = [*samples(Marred(7), range(7), [0] * 7, None, skipped)]
    assert [sample.index for sample in handed_on] == [1, 2, 3, 4, 5, 6] and [*skipped] == ["0.png"]
    assert all(sample.region is None for sample in handed_on)


def test_batches_hold_everything_once_and_only_the_last_is_shorter() -> None:
    assert [*in_batches(iter(range(7)), 3)] == [[0, 1, 2], [3, 4, 5], [6]] and [*in_batches(iter(()), 3)] == []


def test_whether_the_network_is_here_that_finds_objects_is_known_without_reading_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for here in (True, False):
        monkeypatch.setattr(catalog, "find", lambda name, here=here: SimpleNamespace(available=here))
        assert saliency_is_here() is here

    def refuses(name: str) -> None:
        raise Forbidden("The settings allow other models only.")

    monkeypatch.setattr(catalog, "find", refuses)
    assert not saliency_is_here()
