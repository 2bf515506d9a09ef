"""PDF: a file whose parts lie where it says, with the text, the shapes and the pixels of the drawing."""

from __future__ import annotations

import re
import zlib

import numpy as np
import pytest

from engine.figures.drawing import Area, Dot, Drawing, Image, Line, Text, width_of
from engine.figures.pdf import to_pdf

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 5, 3), np.uint8)
PLACES = ((10.0, 10.0), (20.0, 10.0), (20.0, 20.0))
DRAWING = Drawing(
    100,
    50,
    (
        Text(90, 9, "1.5× (1 to 2) − “x”", 8, "#ff0000", bold=True, anchor="end"),
        Image(2, 12, 30, 18, PIXELS),
        Line(PLACES, "#0000ff", 2, (3, 1)),
        Area(PLACES, "#00ff00", 0.25),
        Dot(50, 25, 2, "#000000", hollow=True),
    ),
    "Title – ✓",
    "What is seen.",
)


def streams(data: bytes) -> list[bytes]:
    return [zlib.decompress(each) for each in re.findall(rb"stream\n(.*?)\nendstream", data, re.DOTALL)]


def test_every_object_lies_where_the_table_says():
    data = to_pdf(DRAWING)
    start = int(data.rpartition(b"startxref\n")[2].split()[0])
    table = data[start:].splitlines()
    assert data.startswith(b"%PDF-1.4") and table[0] == b"xref" and data.endswith(b"%%EOF\n")
    count = int(table[1].split()[1])
    for number in range(1, count):
        at = int(table[2 + number].split()[0])
        assert data[at:].startswith(f"{number} 0 obj".encode())
    assert f"/Size {count}".encode() in data and b"/MediaBox [0 0 100 50]" in data
    assert "Title – ✓".encode("utf-16-be").hex().encode() in data


def test_text_and_shapes_stand_where_they_were_put():
    drawn, _ = (each.decode("cp1252", "replace") for each in streams(to_pdf(DRAWING)))
    left = 90 - width_of("1.5× (1 to 2) − “x”", 8)
    assert rf"BT /B 8 Tf 1.000 0.000 0.000 rg 1 0 0 1 {left:.3f} 41.000 Tm (1.5× \(1 to 2\) - “x”) Tj ET" in drawn
    path = "10.000 40.000 m 20.000 40.000 l 20.000 30.000 l"
    assert f"0.000 0.000 1.000 RG 2 w 1 j [3 1] 0 d {path} S" in drawn
    assert f"/S0 gs 0.000 1.000 0.000 rg {path} h f" in drawn and b"/S0 << /ca 0.25 >>" in to_pdf(DRAWING)
    assert "1.000 1.000 1.000 rg 0.000 0.000 0.000 RG 52.000 25.000 m" in drawn
    assert "30.000 0 0 18.000 2.000 20.000 cm /I0 Do" in drawn


def test_a_circle_comes_back_to_where_it_began_through_its_four_ends():
    drawn = streams(to_pdf(Drawing(10, 10, (Dot(5, 5, 2, "#000000"),))))[0].decode()
    ends = [tuple(map(float, each)) for each in re.findall(r"([\d.]+) ([\d.]+) c", drawn)]
    assert ends == [(5, 7), (3, 5), (5, 3), (7, 5)]
    handles = [float(each) for each in re.findall(r"[\d.]+", drawn.partition(" m ")[2].partition(" c")[0])]
    assert handles[:2] == pytest.approx([7, 5 + 2 * 0.5523], abs=1e-3)


def test_pixels_are_those_that_were_computed():
    assert streams(to_pdf(DRAWING))[1] == PIXELS.tobytes()
