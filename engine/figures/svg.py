"""A drawing as SVG: text stays text, pixels stay pixels."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from engine.core.images import inline, to_png
from engine.figures.drawing import PAPER, Area, Dot, Drawing, Image, Item, Line, Places, Text

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
        *map(_element, drawing.items),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _element(item: Item) -> str:
    match item:
        case Text():
            return _line(item)
        case Image():
            return _image(item)
        case Line():
            dash = f' stroke-dasharray="{" ".join(f"{each:g}" for each in item.dash)}"' if item.dash else ""
            stroke = f'stroke="{item.colour}" stroke-width="{item.width:g}" stroke-linejoin="round"'
            return f'<polyline points="{_points(item.places)}" fill="none" {stroke}{dash}/>'
        case Area():
            opacity = "" if item.opacity == 1 else f' fill-opacity="{item.opacity:g}"'
            return f'<polygon points="{_points(item.places)}" fill="{item.colour}"{opacity}/>'
        case Dot():
            fill, rest = (PAPER, f' stroke="{item.colour}"') if item.hollow else (item.colour, "")
            return f'<circle cx="{item.x:.6g}" cy="{item.y:.6g}" r="{item.radius:g}" fill="{fill}"{rest}/>'


def _points(places: Places) -> str:
    return " ".join(f"{x:.6g},{y:.6g}" for x, y in places)


def _line(item: Text) -> str:
    weight = ' font-weight="bold"' if item.bold else ""
    anchor = "" if item.anchor == "start" else f' text-anchor="{item.anchor}"'
    place = f'x="{item.x:g}" y="{item.y:g}" font-size="{item.size:g}"'
    return f'<text {place} fill="{item.colour}"{weight}{anchor}>{_text(item.text)}</text>'


def _image(item: Image) -> str:
    place = f'x="{item.x:g}" y="{item.y:g}" width="{item.width:g}" height="{item.height:g}"'
    return f'<image {place} style="image-rendering:pixelated" href="{inline(to_png(item.pixels))}"/>'


def _text(text: str) -> str:
    """Characters that XML does not have are left out."""
    return escape("".join(each for each in text if each in "\t\n\r" or each >= " "))
