"""Axes in print, and the charts that are nothing but marks within them: counts of values, and clouds of points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.figures.chart import (
    MODELS,
    QUIET,
    Chart,
    across_of,
    apart,
    counted,
    legible,
    span_of,
    steps,
    text_of,
    width_at,
)
from engine.figures.drawing import FAINT, INK, PAPER, Dot, Line, Text, box, width_of
from engine.figures.layout import LEADING, MARGIN, SMALL, Page

TALL = 130.0
"""Of the axes of a chart of lines or points."""
SIZE = SMALL - 0.5
GRID = "#e4e4e0"
HAIR = 1e-6
"""Points by which a value at the end of an axis may lie beyond it, by rounding alone."""


def colour(place: int | None) -> str:
    return QUIET if place is None else MODELS[place % len(MODELS)]


@dataclass(frozen=True)
class Scale:
    """From values to points: linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = (math.log10(each) if self.log else each for each in (self.low, self.high, value))
        return self.start + (value - low) / (high - low or 1) * (self.end - self.start)

    def has(self, value: float) -> bool:
        """Whether a value lies on the axis."""
        return self.low <= value <= self.high

    def nearest(self, value: float) -> float:
        """Where a value is drawn of what ends with the axis: at its end where it lies beyond."""
        return self(min(max(value, self.low), self.high))


def inside(places: Sequence[tuple[float, float]], scale: Scale) -> list[list[tuple[float, float]]]:
    """A line through places as the pieces of it that lie on an axis upwards, cut where it crosses an end of it: print shows what
    lies beyond, over other words."""
    top, bottom = (end(scale.start, scale.end) for end in (min, max))
    pieces: list[list[tuple[float, float]]] = []
    for (x, y), (to_x, to_y) in pairwise(places):
        ends = [(end - y) / (to_y - y) for end in (top - HAIR, bottom + HAIR)] if to_y != y else [0.0, 1.0]
        begin, stop = max(0.0, min(ends)), min(1.0, max(ends))
        if begin >= stop or (to_y == y and not top - HAIR <= y <= bottom + HAIR):
            continue
        first, last = ((x + part * (to_x - x), y + part * (to_y - y)) for part in (begin, stop))
        if begin == 0 and pieces and pieces[-1][-1] == (x, y):
            pieces[-1].append((to_x, to_y) if stop == 1 else last)
        else:
            pieces.append([(x, y) if begin == 0 else first, (to_x, to_y) if stop == 1 else last])
    return pieces


@dataclass(frozen=True)
class Span:
    """An axis from end to end, and the values that are marked along it, with what is said there."""

    low: float
    high: float
    marks: tuple[tuple[float, str], ...]
    log: bool = False


def frame(page: Page, shown: Chart, across: Span, up: Span, beside: float = 0) -> tuple[Scale, Scale]:
    """Axes with their marks and titles, and room `beside` them; the scales of what is drawn within. The page goes on below."""
    left = MARGIN + max((width_of(text, SIZE) for _, text in up.marks), default=0) + 4
    right = MARGIN + page.inner - beside - 6
    page.paragraph(shown.up, SMALL, FAINT)
    top = page.y + 2 + (SIZE if shown.kind == "counts" and shown.levels else 0)
    to_right = Scale(across.low, across.high, left, right, across.log)
    upwards = Scale(up.low, up.high, top + TALL, top, up.log)
    for value, text in up.marks:
        page.items.append(Line(((left, upwards(value)), (right, upwards(value))), GRID, 0.5))
        page.items.append(Text(left - 3, upwards(value) + SIZE * 0.35, text, SIZE, FAINT, anchor="end"))
    for value, text in across.marks:
        page.items.append(Text(to_right(value), top + TALL + SIZE + 3, text, SIZE, FAINT, anchor="middle"))
    page.y = top + TALL + SIZE + 6
    page.items.append(Text((left + right) / 2, page.y + SMALL, shown.across, SMALL, FAINT, anchor="middle"))
    page.y += SMALL * LEADING
    return to_right, upwards


def level_line(page: Page, ends: tuple[tuple[float, float], tuple[float, float]], of: int | None) -> None:
    page.items.append(Line(ends, colour(of), 0.7, (3.0, 2.0)))


def counts(page: Page, shown: Chart) -> None:
    """A bar for each value, and a line down at each level, named above the bars."""
    least, high = counted(shown)
    powers = [10.0**power for power in range(math.ceil(math.log10(high)) + 1) if 10.0**power <= high]
    up = Span(least, high, tuple((each, f"{each:,.0f}") for each in powers), log=True)
    across, up_to = frame(page, shown, Span(*across_of(shown), marks=_marks(across_of(shown))), up)
    for each in shown.series:
        wide = width_at(each.x)
        for x, y in zip(each.x, each.y, strict=True):
            if y > 0:
                left, right = across(x - 0.48 * wide), across(x + 0.48 * wide)
                bar = box(left, up_to(y), right - left, up_to.start - up_to(y), colour(each.colour), 0.6)
                page.items.append(bar)
    places = apart([across(level.at) for level in shown.levels], [42.0] * len(shown.levels), across.start, across.end)
    for level, place in zip(shown.levels, places, strict=True):
        x, own = across(level.at), colour(level.colour)
        page.items.append(Line(((x, up_to.start), (x, up_to.end)), own, 1.2))
        page.items.append(Text(place, up_to.end - 2, level.text, SIZE, legible(own), anchor="middle"))


def cloud(page: Page, shown: Chart) -> None:
    """Points as large as they say, and above some of them their names."""
    wide, tall = across_of(shown), span_of(shown)
    across, up = frame(page, shown, Span(*wide, marks=_marks(wide)), Span(*tall, marks=_marks(tall)))
    for each in shown.series:
        for number, (x, y) in enumerate(zip(each.x, each.y, strict=True)):
            radius = 0.7 + 1.3 * (each.size[number] if each.size else 0)
            page.items.append(Dot(across(x), up(y), radius, colour(each.colour)))
    for each in shown.series:
        for x, y, name in zip(each.x, each.y, each.written, strict=False):
            if name:
                half = width_of(name, SIZE) / 2
                middle = min(max(across(x), across.start + half), across.end - half)
                behind = box(middle - half - 1, up(y) - 3 - SIZE, 2 * half + 2, SIZE + 1, PAPER, 0.75)
                page.items += [behind, Text(middle, up(y) - 3.5, name, SIZE, INK, anchor="middle")]


def _marks(span: tuple[float, float]) -> tuple[tuple[float, str], ...]:
    return tuple((value, text_of(value, False)) for value in steps(*span))
