"""Charts for print: always light, in points, at the width of a column, labelled where the eye is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from engine.figures.axes import GRID, SIZE, Scale, Span, cloud, colour, counts, frame, inside, level_line
from engine.figures.chart import (
    Chart,
    Map,
    Series,
    apart,
    between,
    legible,
    span_of,
    steps,
    text_of,
)
from engine.figures.drawing import FAINT, INK, Area, Dot, Drawing, Item, Line, Text, box, lines_of, width_of
from engine.figures.layout import BODY, COLUMN, GAP, LEADING, MARGIN, PAGE, SMALL, TITLE, Page

BAR, ROW = 7.0, 11.0
LINE = SIZE * 1.15
"""From one line of a label to the next."""
DASHES: tuple[tuple[float, ...], ...] = ((), (1.2, 2.4), (5.0, 3.0))
BOLD = 1.1
"""How much wider bold letters are, at most."""
WIDEST_LABEL = 0.32
"""Of a chart, for what stands beside its axes."""


def chart(shown: Chart, width: float = 0) -> Drawing:
    """The chart as a drawing, with its title, finding and caption. `width` in points: a column, or (maps) the page."""
    page = Page(width or (PAGE if len(shown.maps) > 1 else COLUMN))
    page.paragraph(shown.title, TITLE, bold=True)
    page.paragraph(shown.finding, BODY)
    draws: dict[str, Callable[[Page, Chart], None]] = {
        "lines": _axes,
        "points": _axes,
        "bars": _rows,
        "dots": _rows,
        "maps": _maps,
        "counts": counts,
        "cloud": cloud,
    }
    draws[shown.kind](page, shown)
    page.y += GAP / 2
    page.paragraph(shown.caption, SMALL, FAINT)
    return Drawing(page.width, page.y + MARGIN, tuple(page.items), shown.title, shown.finding)


# Lines and points


def _axes(page: Page, shown: Chart) -> None:
    """Series within axes: the measured one upwards, named above its end, and each series named at its right end."""
    beside = _names(shown, page.inner)
    low, high = span_of(shown)
    up_marks = tuple((each, text_of(each, shown.share)) for each in steps(low, high))
    widest = max((width_of(line, SIZE) for lines in beside for line in lines), default=0)
    across, up = frame(page, shown, _across(shown), Span(low, high, up_marks), widest)
    left, right = across.start, across.end
    for level in shown.levels:
        level_line(page, ((left, up(level.at)), (right, up(level.at))), level.colour)
        page.items.append(Text(left + 2, up(level.at) - 2, level.text, SIZE, FAINT))
    for each in shown.series:
        _band(page, each, across, up)
    for each in shown.series:
        _curve(page, each, across, up, shown.kind == "lines")
    _label(page, shown, beside, up, right)


def _across(shown: Chart) -> Span:
    values = [float(value) for each in shown.series for value in each.x] + [*shown.ticks]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if shown.kind == "points" and shown.share:
        low, high = 0.0, 1.0
    elif low == high:
        low, high = low - 0.5, high + 0.5
    share = shown.share and shown.kind == "points"
    marks = tuple((value, text_of(value, share)) for value in shown.ticks or steps(low, high, 7))
    return Span(low, high, marks, bool(shown.ticks))


def _names(shown: Chart, width: float) -> list[list[str]]:
    """The series' names, cut into lines that fit beside the axes."""
    return [lines_of(each.name, SIZE, WIDEST_LABEL * width) for each in shown.series]


def _band(page: Page, each: Series, across: Scale, up: Scale) -> None:
    known = [
        (across(x), up.nearest(low), up.nearest(high))
        for x, low, high in zip(each.x, each.low, each.high, strict=False)
        if math.isfinite(low) and math.isfinite(high)
    ]
    if len(known) > 1:
        corners = [(x, high) for x, _, high in known] + [(x, low) for x, low, _ in reversed(known)]
        page.items.append(Area(tuple(corners), colour(each.colour), 0.16))


def _curve(page: Page, each: Series, across: Scale, up: Scale, joined: bool) -> None:
    """The points of a series, joined where it is a line; whiskers where there is but one."""
    known = [number for number, value in enumerate(each.y) if math.isfinite(value)]
    places = tuple((across(float(each.x[number])), up(each.y[number])) for number in known)
    if joined:
        for piece in inside(places, up):
            page.items.append(Line(tuple(piece), colour(each.colour), 1.2, DASHES[each.dash % len(DASHES)]))
    whiskers = not joined or len(places) == 1
    for number, (x, y) in zip(known, places, strict=True):
        if whiskers and each.low:
            page.items.append(Line(((x, up.nearest(each.low[number])), (x, up.nearest(each.high[number]))), INK, 0.6))
        if len(places) <= 40 and up.has(each.y[number]):
            page.items.append(Dot(x, y, 2.6 if whiskers else 1.4, colour(each.colour), hollow=each.dash > 0))


def _label(page: Page, shown: Chart, beside: Sequence[Sequence[str]], up: Scale, right: float) -> None:
    """Each series' name at the height of its last point, none above another."""
    ends = [next((up(y) for y in reversed(each.y) if math.isfinite(y)), up.start) for each in shown.series]
    places = apart(ends, [len(lines) * LINE for lines in beside], up.end, up.start)
    for each, lines, y in zip(shown.series, beside, places, strict=True):
        for down, line in _stacked(lines, y):
            page.items.append(Text(right + 5, down, line, SIZE, legible(colour(each.colour)), bold=each.dash == 0))


def _stacked(lines: Sequence[str], middle: float) -> list[tuple[float, str]]:
    """Lines of a label, each after its baseline, which lie around a height."""
    first = middle + SIZE * 0.35 - (len(lines) - 1) / 2 * LINE
    return [(first + number * LINE, line) for number, line in enumerate(lines)]


# Rows


def _rows(page: Page, shown: Chart) -> None:
    """A heading for each name, and below it a row for each series: its name, its bar or dot, its whisker, its value."""
    low, high = span_of(shown)
    names = list(dict.fromkeys(name for each in shown.series for name in each.x))
    widest = max((width_of(each.name, SIZE) for each in shown.series), default=0)
    left = MARGIN + min(widest, WIDEST_LABEL * page.inner) + 5
    digits = _digits(shown)
    room = max((width_of(_value(shown, each, place, digits), SIZE) for each in shown.series for place in _places(each)),
               default=0)  # fmt: skip
    right = MARGIN + page.inner - room - 4
    across, top, below = Scale(low, high, left, right), page.y, len(page.items)
    for name in names:
        if name:
            page.y += 2
            page.paragraph(str(name), SMALL, bold=True)
            page.y -= GAP / 2
        for each in shown.series:
            if name in each.x and math.isfinite(each.y[each.x.index(name)]):
                _row(page, shown, each, each.x.index(name), across)
    grid: list[Item] = [
        Line(((across(value), top), (across(value), page.y + 1)), GRID, 0.5) for value in steps(low, high, 6)
    ]
    page.items[below:below] = grid
    for level in shown.levels:
        level_line(page, ((across(level.at), top), (across(level.at), page.y + 1)), level.colour)
    page.y += SIZE + 2
    for value in steps(low, high, 6):
        page.items.append(Text(across(value), page.y, text_of(value, shown.share), SIZE, FAINT, anchor="middle"))
    said = shown.across + "".join(
        f"; dashed at {text_of(level.at, shown.share)}: {level.text}" for level in shown.levels
    )
    page.y += 3
    page.paragraph(said, SMALL, FAINT)


def _row(page: Page, shown: Chart, each: Series, place: int, across: Scale) -> None:
    lines = lines_of(each.name, SIZE, across.start - MARGIN - 4)
    tall = ROW + (len(lines) - 1) * LINE
    middle, value = page.y + tall / 2, each.y[place]
    own = colour(each.colour)
    page.items += [Text(MARGIN, down, line, SIZE, legible(own)) for down, line in _stacked(lines, middle)]
    zero = across(min(max(0.0, across.low), across.high))
    if shown.kind == "bars":
        page.items.append(box(min(zero, across(value)), middle - BAR / 2, abs(across(value) - zero), BAR, own))
    if each.low and math.isfinite(each.low[place]):
        ends = (across(each.low[place]), middle), (across(each.high[place]), middle)
        page.items.append(Line(ends, INK, 0.8))
        page.items += [Line(((x, y - 1.8), (x, y + 1.8)), INK, 0.8) for x, y in ends]
    if shown.kind == "dots":
        page.items.append(Dot(across(value), middle, 2.6, own))
    text = _value(shown, each, place, _digits(shown))
    page.items.append(Text(MARGIN + page.inner, middle + SIZE * 0.35, text, SIZE, INK, anchor="end"))
    page.y += tall


def _value(shown: Chart, each: Series, place: int, digits: int) -> str:
    text = text_of(each.y[place], shown.share, digits)
    return f"{text} ({between(each.low[place], each.high[place], shown.share, digits)})" if each.low else text


def _digits(shown: Chart) -> int:
    """Decimal places of percentages: one where a share is small."""
    return int(any(0 < value < 0.1 for each in shown.series for value in each.y))


def _places(each: Series) -> range:
    return range(len(each.x))


# Maps


def _maps(page: Page, shown: Chart) -> None:
    """Maps side by side under their names, the darkest colour at the greatest value of all."""
    count = len(shown.maps)
    most = max((float(each.values.max()) for each in shown.maps if each.values.size), default=1.0) or 1.0
    left = MARGIN + max(width_of(f"{each.y[-1]:g}", SIZE) for each in shown.maps) + 4
    wide = (MARGIN + page.inner - left - (count - 1) * 14) / count
    page.paragraph(shown.up, SMALL, FAINT)
    titles = [lines_of(each.name, SIZE, wide / BOLD) for each in shown.maps]
    top = page.y + SMALL * LEADING + (max(map(len, titles)) - 1) * LINE
    for number, lines in enumerate(titles):
        own = legible(colour(shown.maps[number].colour))
        for line, text in enumerate(reversed(lines)):
            page.items.append(Text(left + number * (wide + 14), top - 3 - line * LINE, text, SIZE, own, bold=True))
    ends = [
        _map(page, each, (left + number * (wide + 14), top, wide), most, shown.upwards)
        for number, each in enumerate(shown.maps)
    ]
    page.y = max(ends) + SIZE + 4
    said = f"{shown.across}. Strongest colour: {text_of(most, shown.share, 1)}, none: 0"
    page.paragraph(said, SMALL, FAINT)


def _map(page: Page, each: Map, place: tuple[float, float, float], most: float, upwards: bool) -> float:
    x, y, width = place
    rows, columns = each.values.shape
    across = width / columns
    down = min(across, 160 / rows) if columns <= 2 * rows else min(14.0, 160 / rows)
    across = min(across, down * 3)
    for row in range(rows):
        at = y + (rows - 1 - row if upwards else row) * down
        for column in range(columns):
            opacity = round(max(0.0, float(each.values[row, column]) / most), 3)
            page.items.append(box(x + column * across, at, across, down, colour(each.colour), min(opacity, 1.0)))
    bottom = y + rows * down
    for row in {0, rows - 1}:
        at = y + (rows - 0.5 - row if upwards else row + 0.5) * down
        page.items.append(Text(x - 2, at + SIZE * 0.35, f"{each.y[row]:.2g}", SIZE, FAINT, anchor="end"))
    for column in {0, columns - 1}:
        middle = x + (column + 0.5) * across
        page.items.append(Text(middle, bottom + SIZE + 1, f"{each.x[column]:.2g}", SIZE, FAINT, anchor="middle"))
    return bottom
