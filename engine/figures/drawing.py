"""A figure as a list of texts, shapes and images at places, in points (1/72 inch) from its upper left corner: what any writer
draws.

Invariant: what is drawn does not depend on how it is written. Text is measured with one font, Pillow's own, which is as wide as
Helvetica to within a few percent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from PIL import ImageFont

from engine.core.images import SPELLED

INK, FAINT, PAPER = "#1b1d22", "#6a707b", "#ffffff"


@dataclass(frozen=True)
class Text:
    """A line of text whose baseline begins (or is centred, or ends) at (x, y)."""

    x: float
    y: float
    text: str
    size: float
    colour: str = INK
    bold: bool = False
    anchor: Literal["start", "middle", "end"] = "start"


@dataclass(frozen=True)
class Image:
    """Pixels, uint8 (height, width, 3), as a rectangle with its upper left corner at (x, y). Pixels stay squares."""

    x: float
    y: float
    width: float
    height: float
    pixels: np.ndarray


Places = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Line:
    """A line through places. `dash`: lengths of strokes and gaps in turn; empty for an unbroken line."""

    places: Places
    colour: str = INK
    width: float = 1.0
    dash: tuple[float, ...] = ()


@dataclass(frozen=True)
class Area:
    """What lies within these corners, filled; see-through below opacity 1."""

    places: Places
    colour: str
    opacity: float = 1.0


@dataclass(frozen=True)
class Dot:
    """A disc around (x, y); a ring on paper where it is hollow."""

    x: float
    y: float
    radius: float
    colour: str
    hollow: bool = False


Item = Text | Image | Line | Area | Dot


def box(x: float, y: float, width: float, height: float, colour: str, opacity: float = 1.0) -> Area:
    """A rectangle with its upper left corner at (x, y)."""
    return Area(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), colour, opacity)


@dataclass(frozen=True)
class Drawing:
    """All of a figure. `title` and `description` are for those who cannot see it."""

    width: float
    height: float
    items: tuple[Item, ...]
    title: str = ""
    description: str = ""


@cache
def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def width_of(text: str, size: float) -> float:
    """Points that a line takes."""
    return font(100).getlength(text.translate(SPELLED)) * size / 100


def lines_of(text: str, size: float, width: float) -> list[str]:
    """A text cut at its spaces into lines that fit, and within a word where one is too long for a line."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if width_of(longer, size) <= width:
                line = longer
                continue
            lines += [line] if line else []
            line = word
            while width_of(line, size) > width and len(line) > 1:
                fits = next(
                    count
                    for count in range(len(line) - 1, 0, -1)
                    if count == 1 or width_of(line[:count], size) <= width
                )
                lines.append(line[:fits])
                line = line[fits:]
        lines.append(line)
    return lines
