"""A drawing as SVG: text stays text, pixels stay pixels."""

from __future__ import annotations

import base64
from xml.sax.saxutils import escape, quoteattr

from engine.core.images import to_png
from engine.figures.drawing import PAPER, Drawing, Image, Text

FONTS = "Helvetica, Arial, 'Liberation Sans', sans-serif"


def to_svg(drawing: Drawing) -> str:
    """A file that stands on its own. Its size is in points, and its pictures are embedded as PNG."""
    width, height = f"{drawing.width:g}", f"{drawing.height:g}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}pt" height="{height}pt" viewBox="0 0 {width} {height}" '
        f'role="img" font-family={quoteattr(FONTS)}>',
        f"<title>{_text(drawing.title)}</title>",
        f"<desc>{_text(drawing.description)}</desc>",
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
        *(_line(item) if isinstance(item, Text) else _image(item) for item in drawing.items),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _line(item: Text) -> str:
    weight = ' font-weight="bold"' if item.bold else ""
    anchor = "" if item.anchor == "start" else f' text-anchor="{item.anchor}"'
    place = f'x="{item.x:g}" y="{item.y:g}" font-size="{item.size:g}"'
    return f'<text {place} fill="{item.colour}"{weight}{anchor}>{_text(item.text)}</text>'


def _image(item: Image) -> str:
    data = base64.b64encode(to_png(item.pixels)).decode()
    place = f'x="{item.x:g}" y="{item.y:g}" width="{item.width:g}" height="{item.height:g}"'
    return f'<image {place} style="image-rendering:pixelated" href="data:image/png;base64,{data}"/>'


def _text(text: str) -> str:
    """Characters that XML does not have are left out."""
    return escape("".join(each for each in text if each in "\t\n\r" or each >= " "))
