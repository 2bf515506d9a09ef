"""A drawing as PNG, for slides: four pixels a point, and what it was made from inside the file."""

from __future__ import annotations

import io

from PIL import Image as Pillow
from PIL import ImageDraw

from engine.core.images import SPELLED
from engine.figures.drawing import PAPER, Drawing, Text, font
from engine.figures.metadata import Origin, as_chunks

SCALE = 4
ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


def to_png(drawing: Drawing, origin: Origin | None = None, scale: int = SCALE) -> bytes:
    """PNG bytes: 288 pixels an inch at four pixels a point. `origin`: what a page opens it by."""
    size = (round(drawing.width * scale), round(drawing.height * scale))
    sheet = Pillow.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for item in drawing.items:
        place = (item.x * scale, item.y * scale)
        if isinstance(item, Text):
            text = item.text.translate(SPELLED)
            stroke = scale * item.size / 60 if item.bold else 0  # the font has no bold: a thin outline
            draw.text(place, text, item.colour, font(item.size * scale), ANCHORS[item.anchor], stroke_width=stroke)
            continue
        shown = (max(1, round(item.width * scale)), max(1, round(item.height * scale)))
        enlarges = shown[0] >= item.pixels.shape[1]
        how = Pillow.Resampling.NEAREST if enlarges else Pillow.Resampling.LANCZOS
        sheet.paste(Pillow.fromarray(item.pixels).resize(shown, how), (round(place[0]), round(place[1])))
    buffer = io.BytesIO()
    inch = 72 * scale
    sheet.save(buffer, "PNG", dpi=(inch, inch), pnginfo=as_chunks(origin) if origin else None)
    return buffer.getvalue()
