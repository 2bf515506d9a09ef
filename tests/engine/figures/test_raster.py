"""PNG: four pixels a point, each computed pixel a square of its own colour."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Pillow

from engine.figures.drawing import Drawing, Image, Text
from engine.figures.raster import to_png


def opened(drawing: Drawing) -> np.ndarray:
    with Pillow.open(io.BytesIO(to_png(drawing))) as image:
        assert round(image.info["dpi"][0]) == 288
        return np.array(image.convert("RGB"))


def test_a_pixel_becomes_a_square_and_the_rest_is_paper():
    pixels = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 9, 9]]], np.uint8)
    seen = opened(Drawing(30, 20, (Image(5, 4, 10, 10, pixels),)))
    assert seen.shape == (80, 120, 3)
    inside = seen[16:56, 20:60]
    assert np.array_equal(inside, pixels.repeat(20, 0).repeat(20, 1))
    seen[16:56, 20:60] = 255
    assert (seen == 255).all()


def test_text_stands_where_it_was_put_and_bold_is_darker():
    def ink(bold: bool) -> np.ndarray:
        return 255.0 - opened(Drawing(60, 20, (Text(10, 15, "unit 3", 8, bold=bold),))).mean(2)

    rows, columns = np.nonzero(ink(False) > 60)
    assert rows.min() >= 24 and rows.max() <= 62 and 38 <= columns.min() <= 48
    assert ink(True).sum() > 1.1 * ink(False).sum()
