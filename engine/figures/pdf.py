"""A drawing as PDF, for LaTeX: text stays text, in Helvetica, which every reader has; shapes stay shapes.

Invariant: the same drawing gives the same bytes, on one page that is as large as the drawing.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from engine.core.images import SPELLED
from engine.figures.drawing import PAPER, Area, Dot, Drawing, Image, Item, Line, Text, width_of

ROUND = 0.5523
"""How far the handles of a quarter of a circle stand out, of its radius."""
FIXED = 4
"""Objects before the images: catalog, pages, page and what it draws."""


def to_pdf(drawing: Drawing) -> bytes:
    """The bytes of a file of one page."""
    images = [item for item in drawing.items if isinstance(item, Image)]
    levels = sorted({item.opacity for item in drawing.items if isinstance(item, Area)})
    page = _Drawn(drawing.height, images, levels)
    content = zlib.compress("\n".join(map(page.item, drawing.items)).encode("cp1252", "replace"))
    fonts = " ".join(
        f"/{name} << /Type /Font /Subtype /Type1 /BaseFont /{base} /Encoding /WinAnsiEncoding >>"
        for name, base in (("F", "Helvetica"), ("B", "Helvetica-Bold"))
    )
    pictures = " ".join(f"/I{number} {FIXED + 1 + number} 0 R" for number in range(len(images)))
    states = " ".join(f"/S{number} << /ca {level:g} >>" for number, level in enumerate(levels))
    resources = f"<< /Font << {fonts} >> /XObject << {pictures} >> /ExtGState << {states} >> >>"
    box = f"[0 0 {drawing.width:g} {drawing.height:g}]"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents 4 0 R /Resources {resources} >>".encode(),
        _stream("/Filter /FlateDecode", content),
        *(_picture(image.pixels) for image in images),
        f"<< /Title {_hexadecimal(drawing.title)} /Subject {_hexadecimal(drawing.description)} >>".encode(),
    ]
    return _file(objects)


class _Drawn:
    """Items as the operators of a page, whose origin is its lower left corner."""

    def __init__(self, height: float, images: Sequence[Image], levels: Sequence[float]) -> None:
        self.height, self.levels = height, levels
        self.number = {id(image): number for number, image in enumerate(images)}

    def item(self, item: Item) -> str:
        match item:
            case Text():
                return self._text(item)
            case Image():
                low = self.height - item.y - item.height
                matrix = f"{item.width:.3f} 0 0 {item.height:.3f} {item.x:.3f} {low:.3f}"
                return f"q {matrix} cm /I{self.number[id(item)]} Do Q"
            case Line():
                dash = f"[{' '.join(f'{each:g}' for each in item.dash)}] 0 d"
                return f"q {_colour(item.colour)} RG {item.width:g} w 1 j {dash} {self._path(item.places)} S Q"
            case Area():
                state = self.levels.index(item.opacity)
                return f"q /S{state} gs {_colour(item.colour)} rg {self._path(item.places)} h f Q"
            case Dot():
                inside = PAPER if item.hollow else item.colour
                return f"q {_colour(inside)} rg {_colour(item.colour)} RG {self._circle(item)} b Q"

    def _text(self, item: Text) -> str:
        text = item.text.translate(SPELLED | {ord("×"): "×"})
        shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[item.anchor] * width_of(item.text, item.size)
        escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        place = f"1 0 0 1 {item.x - shift:.3f} {self.height - item.y:.3f} Tm"
        return f"BT /{'B' if item.bold else 'F'} {item.size:g} Tf {_colour(item.colour)} rg {place} ({escaped}) Tj ET"

    def _path(self, places: Sequence[tuple[float, float]]) -> str:
        first, *rest = (f"{x:.3f} {self.height - y:.3f}" for x, y in places)
        return " ".join([f"{first} m", *(f"{each} l" for each in rest)])

    def _circle(self, item: Dot) -> str:
        x, y, r = item.x, self.height - item.y, item.radius
        corners = [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 0)]
        parts = [f"{x + r:.3f} {y:.3f} m"]
        for (a, b), (c, d) in pairwise(corners):
            handles = ((a - b * ROUND, b + a * ROUND), (c + d * ROUND, d - c * ROUND), (c, d))
            parts.append(" ".join(f"{x + r * across:.3f} {y + r * up:.3f}" for across, up in handles) + " c")
        return " ".join(parts)


def _colour(name: str) -> str:
    return " ".join(f"{int(name[start : start + 2], 16) / 255:.3f}" for start in (1, 3, 5))


def _picture(pixels: np.ndarray) -> bytes:
    height, width = pixels.shape[:2]
    about = f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceRGB /BitsPerComponent 8"
    return _stream(f"{about} /Filter /FlateDecode", zlib.compress(np.ascontiguousarray(pixels).tobytes()))


def _stream(about: str, data: bytes) -> bytes:
    return f"<< {about} /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def _hexadecimal(text: str) -> str:
    """Any text, as the file's own facts have it: UTF-16, spelt in hexadecimal digits."""
    return f"<feff{text.encode('utf-16-be', 'replace').hex()}>"


def _file(objects: Sequence[bytes]) -> bytes:
    """The objects, and where each begins."""
    data, starts = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, each in enumerate(objects, start=1):
        starts.append(len(data))
        data += f"{number} 0 obj\n".encode() + each + b"\nendobj\n"
    table = "".join(f"{start:010d} 00000 n \n" for start in starts)
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R /Info {len(objects)} 0 R >>\nstartxref\n{len(data)}\n%%EOF\n"
    return data + f"xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode()
