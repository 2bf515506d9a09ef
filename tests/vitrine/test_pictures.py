"""Images as people have them become the same input, whatever they came as."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from engine.core.errors import BadRequest
from engine.data import uploads
from tests.engine.world import scene
from vitrine.pictures import as_batch, as_reference

PIXELS = scene(3)
SIZE = PIXELS.shape[:2]


def test_one_image_is_the_same_in_every_form(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "scene.png")
    levels = PIXELS.astype(np.float32) / 255
    forms = [
        PIXELS,
        levels,
        levels.astype(np.float64),
        Image.fromarray(PIXELS),
        tmp_path / "scene.png",
        str(tmp_path / "scene.png"),
        torch.from_numpy(levels).permute(2, 0, 1),
        levels.transpose(2, 0, 1),
    ]
    for form in forms:
        for given in (form, [form]):
            batch = as_batch(given, SIZE)
            assert batch.shape == (1, 3, *SIZE)
            torch.testing.assert_close(batch[0], torch.from_numpy(levels).permute(2, 0, 1), atol=1e-7, rtol=0)


def test_several_images_may_differ_in_form_and_size_and_are_fitted_as_files_are():
    wide = np.repeat(PIXELS, 2, axis=1)
    batch = as_batch([wide, Image.fromarray(wide), wide / np.float32(255)], (16, 16))
    assert batch.shape == (3, 3, 16, 16) and torch.equal(batch[0], batch[1]) and torch.equal(batch[0], batch[2])
    assert as_batch(np.stack([PIXELS] * 4), SIZE).shape == (4, 3, *SIZE)


def test_grey_images_have_three_equal_channels():
    batch = as_batch(PIXELS[..., 1], SIZE)
    assert torch.equal(batch[:, 0], batch[:, 1]) and torch.equal(batch[:, 1], batch[:, 2])


def test_floats_of_the_models_size_lose_no_digit():
    fine = np.full((*SIZE, 3), 1 / 3, np.float32)
    assert float(as_batch(fine, SIZE)[0, 0, 0, 0]) == np.float32(1 / 3)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "No images given"),
        (None, "is not an image"),
        (np.zeros((4, 5, 7), np.uint8), "4 x 5 x 7 is not an image"),
        (np.full((*SIZE, 3), 2.0), "outside 0 to 1"),
        (np.full((*SIZE, 3), np.nan), "outside 0 to 1"),
        (np.zeros((*SIZE, 3), np.int64), "is ambiguous"),
    ],
)
def test_what_is_no_image_is_refused_in_a_sentence(given, said):
    with pytest.raises(BadRequest, match=said):
        as_batch(given, SIZE)


def test_an_image_in_a_request_is_a_number_or_kept_under_its_digest(own_store):
    assert as_reference(17) == as_reference("17") == "17"
    kept = as_reference(PIXELS)
    assert kept == as_reference(Image.fromarray(PIXELS)) == as_reference(kept)
    np.testing.assert_array_equal(uploads.image_of(kept, "starter"), PIXELS)
