"""PNG: four pixels a point, each computed pixel a square of its own colour."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Pillow

from engine.figures.drawing import Area, Dot, Drawing, Image, Line, Text, box
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


def test_shapes_stand_where_they_were_put():
    seen = opened(Drawing(30, 20, (box(5, 5, 10, 10, "#ff0000"), Dot(22, 10, 3, "#0000ff"))))
    assert tuple(seen[40, 40]) == (255, 0, 0) and tuple(seen[40, 88]) == (0, 0, 255)
    assert tuple(seen[40, 64]) == tuple(seen[10, 40]) == (255, 255, 255)


def test_what_is_see_through_mixes_with_what_lies_below():
    below, above = box(0, 0, 10, 10, "#0000ff"), Area(((0, 0), (10, 0), (10, 10), (0, 10)), "#ff0000", 0.5)
    red, green, blue = opened(Drawing(10, 10, (below, above)))[20, 20]
    assert abs(int(red) - 128) <= 2 and green == 0 and abs(int(blue) - 127) <= 2


def test_a_broken_line_has_gaps_of_their_length():
    seen = opened(Drawing(40, 10, (Line(((0, 5), (40, 5)), "#000000", 2, (10, 10)),)))[20]
    dark = [bool(seen[at].mean() < 100) for at in (20, 60, 100, 140)]
    assert dark == [True, False, True, False]
