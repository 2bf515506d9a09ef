"""Cards in rows under a title and a finding, with a caption below: how a figure of pictures is laid out for a page of print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.figures.drawing import FAINT, INK, Drawing, Image, Item, Text, lines_of

COLUMN, PAGE = 252.0, 504.0
"""Widths in points: one column of a paper in two columns (3.5 inches), and both."""
TITLE, BODY, SMALL = 10.0, 8.0, 7.0
LEADING = 1.3
GAP, MARGIN, APART = 6.0, 8.0, 1.5
ROOM = 0.98
"""Of a line, what its letters may take as they are measured: drawn small they are up to 2% wider."""
FEW = 3
"""Cards in a row that one column has room for."""
LARGEST_TILE = 120.0
"""The highest that a picture is drawn."""


@dataclass(frozen=True)
class Card:
    """A picture, uint8 (height, width, 3), with lines below it, and smaller images below those."""

    picture: np.ndarray
    lines: tuple[str, ...] = ()
    beside: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class Row:
    """Cards with what they have in common, which stands above them in the colour of their model."""

    label: str
    cards: tuple[Card, ...]
    colour: str = INK


@dataclass(frozen=True)
class Sheet:
    """A figure: rows of cards, its title, what it shows in a sentence, and where everything comes from."""

    rows: tuple[Row, ...]
    title: str = ""
    finding: str = ""
    caption: str = ""
    most: int = 8
    """Cards in a line; longer rows go on below."""


def laid_out(sheet: Sheet) -> Drawing:
    """The sheet as a drawing. Raises ValueError for one without a card."""
    longest = max((len(row.cards) for row in sheet.rows), default=0)
    if not longest:
        raise ValueError("A figure needs at least one picture.")
    columns = min(longest, sheet.most)
    page = Page(COLUMN if columns <= FEW else PAGE)
    widest = max(card.picture.shape[1] / card.picture.shape[0] for row in sheet.rows for card in row.cards)
    tile = min(LARGEST_TILE * max(1.0, widest), (page.inner - (columns - 1) * GAP) / columns)
    page.paragraph(sheet.title, TITLE, bold=True)
    page.paragraph(sheet.finding, BODY)
    for row in sheet.rows:
        page.y += GAP / 2
        page.paragraph(row.label, BODY, row.colour, bold=True)
        for start in range(0, len(row.cards), columns):
            page.cards(row.cards[start : start + columns], tile)
    page.paragraph(sheet.caption, SMALL, FAINT)
    return Drawing(page.width, page.y + MARGIN, tuple(page.items), sheet.title, sheet.finding)


class Page:
    """What is drawn so far, and where what follows begins."""

    def __init__(self, width: float) -> None:
        self.width, self.y = width, MARGIN
        self.inner = width - 2 * MARGIN
        self.items: list[Item] = []

    def paragraph(self, text: str, size: float, colour: str = INK, bold: bool = False) -> None:
        for line in lines_of(text, size, self.inner * ROOM) if text else ():
            self.items.append(Text(MARGIN, self.y + size, line, size, colour, bold))
            self.y += size * LEADING
        self.y += GAP / 2 if text else 0

    def cards(self, cards: Sequence[Card], tile: float) -> None:
        """One line of cards, as high as the highest picture in it."""
        tall = max(_size(card.picture, tile)[1] for card in cards)
        ends = [self._card(card, MARGIN + place * (tile + GAP), tile, tall) for place, card in enumerate(cards)]
        self.y = max(ends) + GAP

    def _card(self, card: Card, x: float, tile: float, tall: float) -> float:
        self.items.append(_fitted(card.picture, x, self.y, tile, tall))
        y = self.y + tall + 1
        for line in (part for whole in card.lines for part in lines_of(whole, SMALL, tile)):
            self.items.append(Text(x, y + SMALL, line, SMALL, FAINT))
            y += SMALL * LEADING
        if card.beside:
            small = (tile - (len(card.beside) - 1) * APART) / len(card.beside)
            for place, image in enumerate(card.beside):
                self.items.append(_fitted(image, x + place * (small + APART), y + 2, small, small))
            y += small + 2
        return y


def _size(pixels: np.ndarray, tile: float) -> tuple[float, float]:
    """Width and height of an image within a tile, its proportions kept."""
    height, width = pixels.shape[:2]
    scale = min(tile / max(height, width), LARGEST_TILE / height)
    return width * scale, height * scale


def _fitted(pixels: np.ndarray, x: float, y: float, tile: float, tall: float) -> Image:
    """An image in the middle of its room, which is `tile` wide and `tall` high."""
    across, down = _size(pixels, tile)
    return Image(x + (tile - across) / 2, y + (tall - down) / 2, across, down, pixels)
