"""The scenes of the page as one figure: a row for each treatment, a column for each scene, with what each model answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from pages.common.charts import figure
from pages.common.charts.files import Files, Pictures, plain
from pages.sections.reliance.shown import Shown

if TYPE_CHECKING:
    from engine.figures.layout import Row

Treated = tuple[str, bytes, list[str]]
"""How a scene was treated, as PNG, and what is said below it (Markdown)."""
Scene = tuple[str, list[Treated]]
"""What is on it, and how it was shown."""


def button(shown: Shown, key: str, title: str, scenes: Callable[[], Sequence[Scene]]) -> None:
    """A button for these scenes as one figure."""
    figure.pictures(key, lambda: _files(shown, title, scenes()))


def _files(shown: Shown, title: str, scenes: Sequence[Scene]) -> Files:
    caption = "Below each picture each model's first answer, with its probability."
    pictures = Pictures(title, lambda: _rows(scenes), len(scenes), caption=caption)
    told = [
        {"scene": scene, "shown": treated, "answers": "; ".join(map(_spelt, lines))}
        for scene, pictured in scenes
        for treated, _, lines in pictured
    ]
    return Files(pictures, lambda: pd.DataFrame(told), shown.source)


def _spelt(line: str) -> str:
    """A line without marks, and with words for signs that fonts of print lack."""
    return plain(line).replace("✓", "right:").replace("✗", "wrong:")


def _rows(scenes: Sequence[Scene]) -> list[Row]:
    from engine.core.images import open_image
    from engine.figures.layout import Card, Row

    rows = []
    for place, (treated, *_) in enumerate(scenes[0][1]):
        cards = []
        for scene, pictured in scenes:
            _, png, lines = pictured[place]
            told = map(_spelt, lines)
            cards.append(Card(open_image(png), (*([scene] if place == 0 else []), *told)))
        rows.append(Row(treated, tuple(cards)))
    return rows
