"""Figures fit the page: nothing sticks out, nothing overlaps, and text is cut into lines that fit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from engine.figures.drawing import Image, Text, width_of
from engine.figures.layout import COLUMN, PAGE, SMALL, Card, Row, Sheet, laid_out

PIXELS = np.zeros((4, 4, 3), np.uint8)


def sheet(*counts: int, beside: int = 0, lines: tuple[str, ...] = ("unit 3", "1.5× (1.4 to 1.6)")) -> Sheet:
    cards = Card(PIXELS, lines, (PIXELS,) * beside)
    rows = tuple(Row(f"model {number}", (cards,) * count) for number, count in enumerate(counts))
    return Sheet(
        rows, "What units respond to", "7 of 8 pictures are above all of their controls.", "How it was made. " * 12
    )


def boxes(drawing) -> list[tuple[float, float, float, float]]:
    """(left, top, right, bottom) of everything drawn."""
    found = []
    for item in drawing.items:
        if isinstance(item, Image):
            found.append((item.x, item.y, item.x + item.width, item.y + item.height))
        else:
            found.append((item.x, item.y - 0.75 * item.size, item.x + width_of(item.text, item.size), item.y))
    return found


@pytest.mark.parametrize("counts", [(1,), (3,), (4,), (8, 8), (20,), (1, 5)])
@pytest.mark.parametrize("beside", [0, 4])
def test_everything_lies_on_the_page_and_nothing_on_anything_else(counts, beside):
    drawing = laid_out(sheet(*counts, beside=beside))
    places = boxes(drawing)
    assert len([item for item in drawing.items if isinstance(item, Image)]) == sum(counts) * (1 + beside)
    for left, top, right, bottom in places:
        assert left >= 0 and top >= 0 and right <= drawing.width + 0.01 and bottom <= drawing.height
    for one, other in itertools.combinations(places, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] + 0.01 or other[3] <= one[1] + 0.01
        assert apart, (one, other)


def test_few_pictures_take_one_column_of_a_paper_and_more_take_both():
    assert [laid_out(sheet(count)).width for count in (1, 3, 4, 30)] == [COLUMN, COLUMN, PAGE, PAGE]


def test_proportions_are_kept():
    wide = Card(np.zeros((2, 8, 3), np.uint8))
    (image,) = [item for item in laid_out(Sheet((Row("", (wide,)),))).items if isinstance(item, Image)]
    assert image.width / image.height == pytest.approx(4)


def test_a_line_of_wide_pictures_is_no_higher_than_they_are_and_one_alone_has_the_whole_width():
    wide, below = np.zeros((20, 80, 3), np.uint8), ("what it shows",)
    drawing = laid_out(Sheet((Row("", (Card(wide, below),)),)))
    (image,) = [item for item in drawing.items if isinstance(item, Image)]
    (text,) = [item for item in drawing.items if isinstance(item, Text)]
    assert image.width > 0.9 * drawing.width and 0 < text.y - text.size - (image.y + image.height) < 4


def test_a_sheet_without_a_picture_is_refused():
    with pytest.raises(ValueError, match="at least one picture"):
        laid_out(Sheet((Row("empty", ()),)))


def test_a_line_of_text_is_no_wider_than_its_card():
    drawing = laid_out(sheet(8, lines=("text(a photograph of a red bicycle)",)))
    tile = next(item for item in drawing.items if isinstance(item, Image)).width
    small = [item for item in drawing.items if isinstance(item, Text) and item.size == SMALL and "text" in item.text]
    assert small and all(width_of(item.text, SMALL) <= tile for item in small)
