"""A drawing as PNG, for slides: four pixels a point, and what it was made from inside the file."""

from __future__ import annotations

import io
from itertools import pairwise
from math import hypot

from PIL import Image as Pillow
from PIL import ImageDraw

from engine.core.images import SPELLED
from engine.figures.drawing import PAPER, Area, Dot, Drawing, Image, Line, Places, Text, font
from engine.figures.metadata import Origin, as_chunks

SCALE = 4
FINER = 2
"""Shapes are drawn so many times larger than they are needed, and made smaller: their edges are then smooth."""
ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def to_png(drawing: Drawing, origin: Origin | None = None, scale: int = SCALE) -> bytes:
    """PNG bytes: 288 pixels an inch at four pixels a point. `origin`: what a page opens it by."""
    sheet = _shapes(drawing, scale)
    draw = ImageDraw.Draw(sheet)
    for item in drawing.items:
        if isinstance(item, Text):
            text = item.text.translate(SPELLED)
            stroke = scale * item.size / 60 if item.bold else 0  # the font has no bold: a thin outline
            place = (item.x * scale, item.y * scale)
            draw.text(place, text, item.colour, font(item.size * scale), ANCHORS[item.anchor], stroke_width=stroke)
        elif isinstance(item, Image):
            shown = (max(1, round(item.width * scale)), max(1, round(item.height * scale)))
            enlarges = shown[0] >= item.pixels.shape[1]
            how = Pillow.Resampling.NEAREST if enlarges else Pillow.Resampling.LANCZOS
            place = (round(item.x * scale), round(item.y * scale))
            sheet.paste(Pillow.fromarray(item.pixels).resize(shown, how), place)
    buffer = io.BytesIO()
    inch = 72 * scale
    sheet.save(buffer, "PNG", dpi=(inch, inch), pnginfo=as_chunks(origin) if origin else None)
    return buffer.getvalue()


def _shapes(drawing: Drawing, scale: int) -> Pillow.Image:
    """The paper with the lines, areas and dots on it; texts and images stand above all of them."""
    size = (round(drawing.width * scale), round(drawing.height * scale))
    shapes = [item for item in drawing.items if isinstance(item, Line | Area | Dot)]
    if not shapes:
        return Pillow.new("RGB", size, PAPER)
    fine = scale * FINER
    sheet = Pillow.new("RGB", (size[0] * FINER, size[1] * FINER), PAPER)
    draw = ImageDraw.Draw(sheet, "RGBA")
    for item in shapes:
        match item:
            case Line():
                for part in _strokes(item):
                    draw.line([(x * fine, y * fine) for x, y in part], item.colour, round(item.width * fine), "curve")
            case Area():
                alpha = f"{round(255 * item.opacity):02x}"
                draw.polygon([(x * fine, y * fine) for x, y in item.places], item.colour + alpha)
            case Dot():
                place, radius = (item.x * fine, item.y * fine), item.radius * fine
                fill = PAPER if item.hollow else item.colour
                draw.circle(place, radius, fill, item.colour, fine if item.hollow else 1)
    return sheet.resize(size, Pillow.Resampling.BOX)


def _strokes(line: Line) -> list[Places]:
    """The strokes of a broken line; the line itself where it is unbroken."""
    if not line.dash:
        return [line.places]
    strokes, stroke, at, left = [], [line.places[0]], 0, line.dash[0]
    for (x, y), (to_x, to_y) in pairwise(line.places):
        length = hypot(to_x - x, to_y - y)
        done = 0.0
        while length - done > left:
            done += left
            place = (x + (to_x - x) * done / length, y + (to_y - y) * done / length)
            if at % 2 == 0:
                strokes.append((*stroke, place))
            at += 1
            stroke, left = [place], line.dash[at % len(line.dash)]
        left -= length - done
        stroke.append((to_x, to_y))
    return [*strokes, tuple(stroke)] if at % 2 == 0 else strokes
