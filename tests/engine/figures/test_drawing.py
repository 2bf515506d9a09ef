"""Text is measured before it is drawn."""

from __future__ import annotations

from engine.figures.drawing import lines_of, width_of

SMALL = 7


def test_text_is_cut_into_lines_that_fit_and_no_word_is_lost():
    text = (
        "A unit that responds to pneumonoultramicroscopicsilicovolcanoconiosis, and to little else.\nSecond paragraph"
    )
    lines = lines_of(text, SMALL, 60)
    assert all(width_of(line, SMALL) <= 60 for line in lines) and len(lines) > 4
    assert "".join(lines).replace(" ", "") == text.replace(" ", "").replace("\n", "")
    assert "Second paragraph" in lines


def test_width_grows_with_size_and_text():
    assert width_of("unit 3", 16) == 2 * width_of("unit 3", 8) > width_of("unit", 8) > 0
