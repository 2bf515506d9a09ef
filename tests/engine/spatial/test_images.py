"""Images on their way into a spatial experiment: a fixed shuffle, and nothing lost without a word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.errors import BadRequest, RefusedFile
from engine.data.formats.photos import Photos
from engine.data.imagenet import imagenet_ids, imagenet_names
from engine.spatial import images, last, layers, moves
from engine.spatial.last import measure
from tests.engine.spatial.known import Squares, over, vit


class Damaged(Squares):
    """Squares of which some cannot be decoded."""

    def __init__(self, damaged: set[int]) -> None:
        super().__init__()
        self._damaged = damaged

    def image(self, index: int) -> np.ndarray:
        if index in self._damaged:
            raise RefusedFile("it is cut off.")
        return super().image(index)


@pytest.mark.parametrize(
    "measure", [layers.measure, last.measure, lambda stream: moves.measure(stream, 16)], ids=["layers", "last", "moves"]
)
def test_what_cannot_be_read_is_told_and_the_rest_is_measured(measure) -> None:
    result = measure(over(vit(), Damaged({3, 8})))
    assert result.facts["images"] == 14
    assert dict(result.facts["skipped"]) == {"image 3": "it is cut off.", "image 8": "it is cut off."}
    assert measure(over(vit(), Squares())).facts["skipped"] == []


def test_where_nothing_can_be_read_that_is_refused() -> None:
    skipped: dict[str, str] = {}
    with pytest.raises(BadRequest, match="No image of “squares” can be read"):
        list(images.batches(Damaged({*range(16)}), range(16), vit(), 4, skipped))
    assert len(skipped) == 16


def test_a_batch_of_damaged_images_is_passed_over() -> None:
    batches = list(images.batches(Damaged({4, 5}), [0, 1, 4, 5, 2], vit(), 2, {}))
    assert [batch.numbers.tolist() for batch in batches] == [[0, 1], [2]]
    for batch in batches:
        for place, number in enumerate(batch.numbers):
            pixels = (batch.images[place].permute(1, 2, 0) * 255).round().byte().numpy()
            assert np.array_equal(pixels, Squares().image(int(number)))
            assert np.array_equal(batch.masks[place].numpy(), Squares().mask(int(number)))


def test_any_stretch_of_the_order_is_a_sample_of_the_whole_and_the_same_each_time() -> None:
    numbers = images.order(Squares(100))
    assert sorted(numbers) == [*range(100)] and numbers.tolist() == images.order(Squares(100)).tolist()
    assert 30 < numbers[:20].mean() < 70, "no stretch of neighbours"
    assert images.order(Squares(100), 7).tolist() == numbers[:7].tolist()


def test_a_position_lies_on_the_object_where_half_of_its_pixels_do() -> None:
    mask = torch.zeros(1, 4, 8)
    mask[0, :2, :2], mask[0, 2, 4:6], mask[0, 2, 6] = (
        1,
        1,
        1,
    )  # all of the first patch, half of one, a quarter of the last
    assert images.on_grid(mask, 2, 4)[0].tolist() == [1, 0, 0, 0, 0, 0, 1, 0]
    assert images.on_grid(torch.full((1, 4, 8), torch.nan), 2, 4).isnan().all()


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("cat", "dog", "cow", "pig"), "has none of the data set's classes"),
        (None, "names of the model's 4 classes are unknown"),
    ],
)
def test_labels_that_are_no_class_of_the_model_are_refused_in_a_sentence(
    names: tuple[str, ...] | None, told: str
) -> None:
    """Also where the model names no classes: the first of the data set need not be its first."""
    model = vit()
    model.class_names = names
    with pytest.raises(BadRequest, match=told):
        measure(over(model, Squares()))


def test_labels_are_matched_by_name_and_those_that_could_mean_two_classes_are_left_out_and_told() -> None:
    model = vit()
    model.class_names = ("white, snow", "crane", "Red", "crane")
    squares = Squares()
    squares.class_names = ("red", "crane", "blue", "snow")
    labels, matching = images.labels_for(model, squares)
    assert labels == {number: {0: 2, 3: 0}[number % 4] for number in range(16) if number % 4 in (0, 3)}
    assert [what for what, _ in matching.notes] == ["class crane", "class blue"]
    found = measure(over(model, squares))
    assert found.facts["images"] == 8 and "2 of the 4 classes of “squares”" in found.facts["missing"][-1]
    assert [what for what, _ in found.facts["skipped"]] == ["class crane", "class blue"]


@pytest.mark.parametrize("given", [imagenet_ids(), ()])
def test_wordnet_ids_and_numbers_without_names_mean_imagenets_classes(given: tuple[str, ...]) -> None:
    model = vit(num_classes=1000)
    photos = Photos("photos", [("tench", Path("tench.jpg"), 0), ("goldfish", Path("goldfish.jpg"), 1)], given)
    for names in (imagenet_names(), None):
        model.class_names = names
        assert images.labels_for(model, photos)[0] == {0: 0, 1: 1}
    model.class_names = imagenet_ids()[::-1]
    assert images.labels_for(model, photos)[0] == {0: 999, 1: 998}


def test_images_of_one_set_belong_together_wherever_the_data_set_knows_it() -> None:
    class Grouped(Squares):
        def clusters(self) -> np.ndarray:
            return np.repeat(np.arange(8, dtype=np.int32), 2)

    batches = list(images.batches(Grouped(), [4, 5, 9, 8, 0], vit(), 2, {}))
    first, second, third, fourth, fifth = np.concatenate([batch.clusters for batch in batches])
    assert first == second and third == fourth and len({first, third, fifth}) == 3
    assert len(set(images.clusters_of(Squares(), range(16)))) == 16
