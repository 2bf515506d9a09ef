"""The place of a picture has the picture's shape before it is made."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from pages.common import colours
from pages.common.units.growing import nothing


@pytest.mark.parametrize("size", [(96, 96), (64, 128)])
def test_it_is_as_high_and_wide_as_the_picture_and_of_one_colour(size: tuple[int, int]) -> None:
    image = Image.open(BytesIO(nothing(size)))
    assert (image.height, image.width) == size
    ((count, colour),) = image.convert("RGB").getcolors()
    assert count == size[0] * size[1] and "#{:02x}{:02x}{:02x}".format(*colour) == colours.of("place")
