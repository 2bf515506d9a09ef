"""Boxes and masks of images that EXIF turns, against Pillow's own turning, for all eight ways to hold a camera."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from engine.core.errors import RefusedFile
from engine.core.images import orientation
from engine.data.cutting import box_region
from engine.data.turning import is_turned, upright_boxes, upright_mask, upright_size

WIDE, TALL = 9, 5
BOX = (1, 0, 4, 2)


def taken(way: int) -> bytes:
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = way
    Image.fromarray(box_region([BOX], TALL, WIDE).astype(np.uint8) * 255).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("way", range(5, 9))
def test_what_was_drawn_on_the_stored_image_turns_with_it(way: int) -> None:
    data = taken(way)
    with Image.open(io.BytesIO(data)) as image:
        seen = np.asarray(ImageOps.exif_transpose(image)) > 127
    header = orientation(data)
    assert header == (way, (WIDE, TALL)) and is_turned(way) and upright_size(*header) == (TALL, WIDE)
    boxes = upright_boxes([BOX], *header, (WIDE, TALL))
    assert np.array_equal(box_region(boxes, *seen.shape), seen)
    assert np.array_equal(upright_mask(box_region([BOX], TALL, WIDE), *header), seen)
    assert upright_boxes([BOX], *header, (TALL, WIDE)) == [BOX], "drawn on the image as it is seen"


@pytest.mark.parametrize("way", range(2, 9))
def test_where_nothing_tells_what_was_drawn_on_it_is_refused(way: int) -> None:
    with pytest.raises(RefusedFile, match="nothing tells whether its boxes were drawn before or after"):
        upright_boxes([BOX], way, (WIDE, TALL), None)
    with pytest.raises(RefusedFile, match="its mask was drawn before or after"):
        upright_mask(np.ones((WIDE, WIDE), bool), way, (WIDE, WIDE))


@pytest.mark.parametrize("way", [2, 3, 4])
def test_half_a_turn_and_mirrors_do_not_show_in_the_size(way: int) -> None:
    with pytest.raises(RefusedFile):
        upright_boxes([BOX], way, (WIDE, TALL), (WIDE, TALL))


def test_an_upright_image_keeps_its_boxes_and_mask_whatever_was_noted() -> None:
    mask = box_region([BOX], TALL, WIDE)
    assert upright_boxes([BOX], 1, (WIDE, TALL), None) == [BOX]
    assert upright_mask(mask, 1, (3, 3)) is mask


def test_what_is_no_image_is_not_turned() -> None:
    assert orientation(b"nothing") == (1, (0, 0))
