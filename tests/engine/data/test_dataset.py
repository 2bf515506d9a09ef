"""What every data set does: batches in order, damage told, and numbers that are checked."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from engine.core.errors import BadRequest
from engine.core.experiments import DataNeed
from engine.data.dataset import KNOWN, digest
from engine.data.formats.folder import Folder
from engine.data.formats.scenes import Scenes


@pytest.mark.parametrize("batch", [1, 2, 5, 64])
def test_batches_hold_every_image_once_in_order_at_the_models_input_size(parquet, batch):
    seen = [*Scenes(parquet, "starter").batches((32, 48), batch)]
    assert all(images.dtype == np.uint8 and images.shape[1:] == (32, 48, 3) for _, images in seen)
    assert np.concatenate([indices for indices, _ in seen]).tolist() == [0, 1, 2, 3, 4]
    corners = np.concatenate([images[:, -1, 0, 0] for _, images in seen])
    assert corners.tolist() == [0, 10, 20, 30, 40]


def test_damaged_files_are_left_out_of_batches_and_told_while_the_others_keep_their_numbers(photos):
    (photos / "dog" / "a.jpg").write_bytes(b"no picture")
    folder = Folder(photos, "mine")
    (indices, images), *rest = folder.batches((8, 8), 16)
    assert rest == []
    assert indices.tolist() == [0, 2]
    assert images[:, 0, 0, 0].tolist() == [30, 20]
    assert dict(folder.report())["dog/a.jpg"] == "a.jpg is not a PNG, JPEG or WebP image."


def test_an_image_number_out_of_range_is_refused(parquet):
    for number in (-1, 5):
        with pytest.raises(BadRequest, match=f"starter has no image {number}: its 5 images"):
            Scenes(parquet, "starter").image(number)


def test_an_experiment_can_ask_for_everything_that_data_sets_give() -> None:
    assert set(get_args(DataNeed)) <= set(KNOWN)


def test_a_digest_tells_which_bytes_stand_in_which_part():
    digests = [digest(parts) for parts in ([b"ab", b"c"], [b"a", b"bc"], [b"abc"], [b"abc", b""], [b"c", b"ab"])]
    assert len(set(digests)) == len(digests)
    assert digest(iter([b"ab", b"c"])) == digests[0]
