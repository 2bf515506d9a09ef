"""SVG: well formed whatever the text is, with the pixels that were computed."""

from __future__ import annotations

import base64
from xml.etree import ElementTree

import numpy as np

from engine.core.images import open_image
from engine.figures.drawing import Area, Dot, Drawing, Image, Line, Text
from engine.figures.svg import to_svg

SVG = "{http://www.w3.org/2000/svg}"
NASTY = '</text><script>alert("1")</script> & \x00\x1b < > “×”'


def drawing(pixels: np.ndarray) -> Drawing:
    items = (Text(1, 9, NASTY, 8, bold=True), Image(2, 12, 30, 30, pixels))
    return Drawing(100, 50, items, title=NASTY, description="What is seen.")


def test_text_of_any_kind_stays_text():
    root = ElementTree.fromstring(to_svg(drawing(np.zeros((3, 3, 3), np.uint8))))
    shown = NASTY.replace("\x00", "").replace("\x1b", "")
    assert [each.text for each in root.iter(f"{SVG}text")] == [shown] and root.findtext(f"{SVG}title") == shown
    assert {each.tag.removeprefix(SVG) for each in root.iter()} == {"svg", "title", "desc", "rect", "text", "image"}


def test_size_is_in_points_and_pictures_have_the_pixels_that_were_computed():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 5, 3), np.uint8)
    root = ElementTree.fromstring(to_svg(drawing(pixels)))
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("100pt", "50pt", "0 0 100 50")
    image = root.find(f"{SVG}image")
    assert image is not None and "pixelated" in str(image.get("style"))
    data = base64.b64decode(str(image.get("href")).removeprefix("data:image/png;base64,"))
    assert np.array_equal(open_image(data), pixels)


def test_shapes_stay_shapes():
    places = ((0.0, 0.0), (10.0, 5.0), (0.0, 5.0))
    items = (Area(places, "#ff0000", 0.2), Line(places, "#00ff00", 2, (3, 1)), Dot(4, 5, 2, "#0000ff", hollow=True))
    root = ElementTree.fromstring(to_svg(Drawing(20, 20, items)))
    area, line, dot = (root.find(f"{SVG}{tag}") for tag in ("polygon", "polyline", "circle"))
    assert area is not None and line is not None and dot is not None
    assert area.get("points") == line.get("points") == "0,0 10,5 0,5" and area.get("fill-opacity") == "0.2"
    assert (line.get("fill"), line.get("stroke-dasharray")) == ("none", "3 1")
    assert (dot.get("stroke"), dot.get("fill"), dot.get("r")) == ("#0000ff", "#ffffff", "2")
