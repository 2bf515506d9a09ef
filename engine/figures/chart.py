"""What a chart shows, however it is drawn: on a screen by a page, in print by `engine.figures.charts`.

A chart is flat values. Its colours are places: that of a model among those compared, which is the same on every chart.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Any, Literal

import numpy as np

MODELS = ("#2f6fdb", "#d9730d", "#2e8b57", "#8250c4", "#c8372d", "#a07c00", "#6b7280", "#0f7c8a")
"""On white, one for each of up to eight models, in order."""
QUIET = "#8b929b"
"""Of what a chart is compared with: chance, a fitted line."""
DEPTH = "relative depth (block)"
"""An axis from the first block to the last."""
Values = Sequence[float] | np.ndarray | Any


@dataclass(frozen=True)
class Series:
    """What was measured of one model: `x` (n,) numbers, or names in a chart of rows; `y` (n,), and the ends of its interval.

    `colour`: the model's place, None for what is no model. `dash`: 0 for an unbroken line. `about`: of each point, said
    where it is pointed at. `opens`: of each point, plain values that say what a click on it opens. Of a cloud's points also
    `size` (0 to 1), and what is `written` beside them ("": nothing).
    """

    name: str
    x: tuple[Any, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    colour: int | None = 0
    dash: int = 0
    about: tuple[str, ...] = ()
    opens: tuple[Any, ...] = ()
    size: tuple[float, ...] = ()
    written: tuple[str, ...] = ()


@dataclass(frozen=True)
class Level:
    """A value worth comparing with, as a line across (in a chart of rows or counts: down) with its name."""

    at: float
    text: str
    colour: int | None = None


@dataclass(frozen=True)
class Map:
    """Values (rows, columns) of one model as squares, the first row on top unless the chart says otherwise. `x` and `y` are
    the numbers of the columns and rows; `about` says of each row what it is; `opens`: of each square, row by row, plain values
    that say what a click on it opens."""

    name: str
    values: np.ndarray
    x: tuple[float, ...]
    y: tuple[float, ...]
    colour: int = 0
    about: tuple[str, ...] = ()
    opens: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Chart:
    """`lines`: series over a numeric axis, with intervals as bands. `bars` and `dots`: a row for each name and model, values
    to the right, with whiskers. `points`: one number against another; `low` and `high` are those of y. `maps`: side by
    side, on one scale. `counts`: how many (y, on a logarithmic axis) lie around each x, as bars. `cloud`: many points, some with
    a name; series without a model are pale. A series of rows that has no name needs none: its rows are told by their headings.

    `across` and `up` are the axes' titles. `share`: values are shares of 1, drawn from 0 to 100%. `span`: of the measured
    axis, where it is neither that nor what the values need (see `span_of`). `ticks` of a logarithmic axis across.
    `title`, `finding` (a sentence) and `caption` stand around it in print.
    """

    kind: Literal["lines", "bars", "dots", "points", "maps", "counts", "cloud"]
    series: tuple[Series, ...] = ()
    across: str = ""
    up: str = ""
    share: bool = False
    span: tuple[float, float] | None = None
    ticks: tuple[float, ...] = ()
    levels: tuple[Level, ...] = ()
    maps: tuple[Map, ...] = ()
    upwards: bool = False
    title: str = ""
    finding: str = ""
    caption: str = ""

    def digest(self) -> str:
        """The same for charts that show the same."""
        maps = [
            (each.name, each.values.tolist(), each.x, each.y, each.colour, each.about, each.opens) for each in self.maps
        ]
        told = repr((replace(self, maps=()), maps))
        return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


def series(name: str, x: Values, y: Values, low: Values = (), high: Values = (), **rest: Any) -> Series:
    """A series of any columns of numbers: plain numbers, whatever they come as."""
    return Series(name, tuple(np.asarray(x).tolist()), _plain(y), _plain(low), _plain(high), **rest)


def span_of(chart: Chart) -> tuple[float, float]:
    """The measured axis from end to end: its `span`; 0 to 1 for shares; else what values, intervals and levels need, with 0
    where bars begin, and a little room."""
    if chart.span is not None:
        return chart.span
    if chart.share:
        return 0.0, 1.0
    return span_of_values(
        (each.y + each.low + each.high for each in chart.series),
        [level.at for level in chart.levels] + ([0.0] if chart.kind == "bars" else []),
    )


def span_of_values(values: Iterable[Sequence[float]], beside: Sequence[float] = ()) -> tuple[float, float]:
    """One span for several series, also of neighbouring charts."""
    known = [value for each in (*values, beside) for value in each if math.isfinite(value)]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    room = 0.06 * (high - low) or abs(high) * 0.1 or 0.5
    flat = low == high
    return (low if low == 0 and not flat else low - room), (high if high == 0 and not flat else high + room)


FEWEST = 0.7
"""Where an axis of counts begins, so that a bar of one is seen."""


def counted(chart: Chart) -> tuple[float, float]:
    """The logarithmic axis of counts from end to end."""
    return FEWEST, 1.2 * max([10.0, *(value for each in chart.series for value in each.y)])


def across_of(chart: Chart) -> tuple[float, float]:
    """The axis across of counts or a cloud: all its values, the whole of each bar, and its levels."""
    wide = [width_at(each.x) / 2 if chart.kind == "counts" else 0.0 for each in chart.series]
    ends = [(min(each.x) - w, max(each.x) + w) for each, w in zip(chart.series, wide, strict=True) if each.x]
    return span_of_values(ends, [level.at for level in chart.levels])


def width_at(x: Sequence[float]) -> float:
    """How far apart the values of a chart of counts are."""
    return (x[-1] - x[0]) / (len(x) - 1) if len(x) > 1 else 1.0


def steps(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers along an axis, at most so many."""
    raw = (high - low) / max(1, most - 1)
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * each for each in (1, 2, 5, 10, 20) if (high - low) / (size * each) <= most - 1 + 1e-9)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def text_of(value: float, share: bool, digits: int = 0) -> str:
    """A value as it stands at an axis or a bar: in percent where it is a share; a minus sign that is one."""
    if not math.isfinite(value):
        return "–"
    text = f"{100 * value:.{digits}f}%" if share else f"{value:.3g}"
    return text.replace("-", "−")


def between(low: float, high: float, share: bool, digits: int = 0) -> str:
    """An interval in words: 54 to 62%."""
    return f"{text_of(low, share, digits).removesuffix('%')} to {text_of(high, share, digits)}"


def apart(places: Sequence[float], sizes: Sequence[float], low: float, high: float) -> list[float]:
    """Middles of labels of these sizes, as near as can be to where they belong (least squares), none on another, between two
    ends; around their middle where that is too little room for all."""
    order = sorted(range(len(places)), key=lambda each: places[each])
    before = [0.0, *accumulate((sizes[one] + sizes[other]) / 2 for one, other in pairwise(order))]
    free = high - low - before[-1]  # what the first label may move
    if free < 0:
        low, free = low + free / 2, 0.0
    # Less the room that the labels before it take, a place may not be before another's: those that are share their mean.
    shared: list[tuple[float, int]] = []
    for each, taken in zip(order, before, strict=False):
        mean, many = places[each] - taken, 1
        while shared and shared[-1][0] > mean:
            other, count = shared.pop()
            mean, many = (mean * many + other * count) / (many + count), many + count
        shared.append((mean, many))
    moved = [min(max(mean, low), low + free) for mean, many in shared for _ in range(many)]
    placed = {each: place + taken for each, place, taken in zip(order, moved, before, strict=False)}
    return [placed[each] for each in range(len(places))]


SEPARATORS = "/_.@: -"
_PARTS = re.compile(f"(?<=[{SEPARATORS}])")


def shortened(names: Sequence[str], most: int) -> list[str]:
    """Names as labels of at most so many letters that still tell them apart: of the longer ones goes, part by part, what all of
    them end or begin with, then the middle. The names as they are where that cannot be."""
    parts = {name: _PARTS.split(name) for name in names if len(name) > most}
    if not parts:
        return [*names]
    spare = min(map(len, parts.values())) - 1
    last = _shared([each[::-1] for each in parts.values()], spare)
    first = _shared([*parts.values()], spare - last)
    ends = [(0, back) for back in range(last + 1)] + [(front, last) for front in range(1, first + 1)]
    tried = ({name: _without(each, *end) for name, each in parts.items()} for end in ends)
    labels = next((cut for cut in tried if max(map(len, cut.values())) <= most), None)
    if labels is None:
        labels = {name: _without(each, first, last) for name, each in parts.items()}
    told = [_shortest(labels[name], most) if name in labels else name for name in names]
    return told if len({*told}) == len({*names}) else [*names]


def _shared(parts: Sequence[Sequence[str]], most: int) -> int:
    """How many parts, at most so many, all of these begin with."""
    return next((at for at in range(most) if len({each[at] for each in parts}) > 1), most)


def _without(parts: Sequence[str], front: int, back: int) -> str:
    """A name without so many parts at either end."""
    kept = "".join(parts[front : len(parts) - back])
    return f"{'…' if front else ''}{kept.rstrip(SEPARATORS) if back else kept}{'…' if back else ''}"


def _shortest(label: str, most: int) -> str:
    """A label without its middle where it is too long."""
    end = most // 3
    return label if len(label) <= most else f"{label[: most - 1 - end]}…{label[-end:]}"


def legible(colour: str, dark: bool = False) -> str:
    """A colour in which small text can be read, at least 4.5:1 on paper (or, where it is `dark`, on a dark page)."""
    parts = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    paper, ink = (0.011, 255) if dark else (1.0, 0)
    for step in range(21):
        mixed = [part + (ink - part) * step / 20 for part in parts]
        linear = [((each / 255 + 0.055) / 1.055) ** 2.4 if each > 10 else each / 255 / 12.92 for each in mixed]
        light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        if (max(light, paper) + 0.05) / (min(light, paper) + 0.05) >= 4.6:
            return "#" + "".join(f"{round(each):02x}" for each in mixed)
    return colour


def _plain(values: Values) -> tuple[float, ...]:
    return tuple(float(value) for value in np.asarray(values, float).tolist())
