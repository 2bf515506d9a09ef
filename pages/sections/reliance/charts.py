"""The charts of the page "Background and texture", as what they show: one colour a model, intervals on all that is measured.

`order` is all of the page's models: a model's place in it is its colour, whether the others' results are there yet or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.figures.chart import Chart, Level, Map, Series, series

NUMBERS = {
    "top1": "Top-1",
    "top5": "Top-5",
    "top1_normalised": "Top-1 of whole image",
    "top5_normalised": "Top-5 of whole image",
}
VARIANTS = {"full": "whole image", "foreground": "object alone", "background": "background alone"}
INTERVAL = "Whiskers and bands: 95% intervals."


def accuracy(number: str) -> str:
    """The title of an axis of one of these accuracies."""
    what, _, of = NUMBERS[number].lower().partition(" of ")
    return f"{what}, share of that on whole images" if of else f"{what} accuracy"


def bars(
    order: Sequence[str],
    groups: Sequence[str],
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    across: str,
    **rest: Any,
) -> Chart:
    """Shares as bars: `rows` gives each model one row (value, low, high) a group, with what a click `opens` where it does;
    NaN leaves a gap."""
    drawn = tuple(_of_rows(order, model, groups, each) for model, each in rows.items())
    return Chart("bars", drawn, across, share=True, span=(0.0, _most(drawn)), **rest)


def _of_rows(order: Sequence[str], model: str, groups: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Series:
    value, low, high = ([row[name] for row in rows] for name in ("value", "low", "high"))
    opens = tuple(row["opens"] for row in rows if "opens" in row)
    return series(model, np.array(groups, object), value, low, high, colour=order.index(model), opens=opens)


def _most(drawn: Sequence[Series]) -> float:
    """Where the axis of shares ends: at 100%, or just above it where something measured relative to another lies there."""
    return max([1.0, *(value for each in drawn for value in each.high if value == value)])


def curves(order: Sequence[str], tables: Mapping[str, pd.DataFrame], across: str, up: str, **rest: Any) -> Chart:
    """A line a model over a numeric axis; `tables` gives each model x, value, low and high, from left to right, and what a
    point is `about` where that is known; see `curve`. Shares lie on an axis that has room for the `most` of another chart too."""
    most = rest.pop("most", 1.0)
    drawn = tuple(
        series(
            model,
            rows["x"],
            rows["value"],
            rows["low"],
            rows["high"],
            colour=order.index(model),
            about=tuple(rows["about"]) if "about" in rows else (),
            opens=tuple(rows["opens"])
            if "opens" in rows
            else tuple([x] for x in rows["x"].tolist())
            if rest.get("ticks")
            else (),
        )
        for model, rows in tables.items()
    )
    share = rest.pop("share", True)
    return Chart("lines", drawn, across, up, share, (0.0, max(most, _most(drawn))) if share else None, **rest)


def curve(table: pd.DataFrame, x: str, value: str, low: str = "", high: str = "") -> pd.DataFrame:
    """These columns of a table as `curves` draws them; the interval's are `..._low` and `..._high` where they are not named."""
    columns = {"x": x, "value": value, "low": low or f"{value}_low", "high": high or f"{value}_high"}
    return pd.DataFrame({name: table[column] for name, column in columns.items()})


def spectrum(order: Sequence[str], tables: Mapping[str, pd.DataFrame], **rest: Any) -> Chart:
    """For each model the share of gradient energy: layers from the image (bottom) upwards, frequency across. A click opens a
    model and its layer."""
    maps = []
    for model, rows in tables.items():
        wide = rows.pivot(index="depth", columns="from", values="share")
        middle = (rows["from"].unique() + rows["to"].unique()) / 2
        sites = rows["site"].unique().tolist()
        about = tuple(f"layer {depth}: {site}" for depth, site in enumerate(sites))
        opens = tuple([model, site] for site in sites for _ in range(wide.shape[1]))
        y = tuple(map(float, wide.index))
        maps.append(Map(model, wide.to_numpy(), tuple(middle.tolist()), y, order.index(model), about, opens))
    return Chart("maps", across="frequency, fraction of Nyquist", up="layer", share=True, maps=tuple(maps), upwards=True,
                 **rest)  # fmt: skip


def robustness(order: Sequence[str], fit: Mapping[str, Any], what: str, place: int = 0, **rest: Any) -> Chart:
    """Accuracy on a cut variant, the `place`th of all, against accuracy on whole images, one point a model, and the fitted
    line."""
    points = tuple(
        series(
            point["model"],
            [point["full"]],
            [point["cut"]],
            [point["cut_interval"][0]],
            [point["cut_interval"][1]],
            colour=order.index(point["model"]),
            about=(f"{100 * point['full']:.1f}% on whole images",),
            opens=([f"{point['model']}|{place}"],),
        )
        for point in fit["points"]
    )
    if (line := fit["line"]) is not None:
        x = np.linspace(max(min(point["full"] for point in fit["points"]) - 0.05, 0.01), 0.99, 60)
        odds = line["slope"] * np.log(x / (1 - x)) + line["intercept"]
        points = (*points, series("fitted line", x, 1 / (1 + np.exp(-odds)), colour=None, dash=2))
    return Chart("points", points, "top-1 on whole images", f"top-1, {what}", share=True, **rest)


def reliance(order: Sequence[str], intervals: Mapping[str, Sequence[float]], **rest: Any) -> Chart:
    """How much the place counts, a dot a model with its interval; lines at what ignoring and ideal use come to."""
    drawn = tuple(
        series(model, np.array([""], object), [value], [low], [high], colour=order.index(model))
        for model, (value, low, high) in intervals.items()
    )
    levels = (Level(0, "no reliance"), Level(1, "ideal observer"))
    return Chart("dots", drawn, "reliance on the place", levels=levels, **rest)


LEANS = {
    "object_lean": "share on objects alone − on backgrounds alone",
    "low_lean": "share at low − at high frequencies",
}
"""The differences of a unit's shares, and what they are called."""
SHARES = {
    "object_alone": "object alone",
    "background_alone": "background alone",
    "low_pass": "low frequencies",
    "high_pass": "high frequencies",
}


def units(tables: Mapping[str, pd.DataFrame], **rest: Any) -> Chart:
    """Units by what they lean on, of one model or several: object against background across, low against high frequencies up.
    Those of which neither could be told are pale. A point opens its unit; units of which nothing is known are left out."""
    drawn = []
    for place, (model, table) in enumerate(tables.items()):
        known = table.dropna(subset=[*LEANS])
        told = (known[[f"{name}_leans" for name in LEANS]] != "neither").any(axis=1)
        for name, part, colour in ((f"{model}: neither", known[~told], None), (model, known[told], place)):
            rows = part.to_dict("records")
            drawn.append(
                series(
                    name, part["object_lean"], part["low_lean"], colour=colour,
                    about=tuple(_about(row) for row in rows), opens=tuple([int(row["unit"])] for row in rows),
                )
            )  # fmt: skip
    across, up = LEANS.values()
    return Chart("cloud", tuple(drawn), across, up, **rest)


def _about(row: Mapping[Any, Any]) -> str:
    """What is said of a unit where it is pointed at: its shares with their intervals, and what it leans on."""
    shares = [f"{told} {cell(row, name)}%" for name, told in SHARES.items()]
    return "<br>".join([f"<b>Unit {row['unit']}</b>", *shares, f"leans on: {leaning(row)}"])


def leaning(row: Mapping[Any, Any]) -> str:
    """What a unit leans on, in words; `not told` where neither could be."""
    words = {
        "object": "the object",
        "background": "the background",
        "low": "low frequencies",
        "high": "high frequencies",
    }
    return ", ".join(words[told] for name in LEANS if (told := row[f"{name}_leans"]) in words) or "not told"


def cell(row: Mapping[Any, Any], name: str) -> str:
    """One number of a row with its interval, in percent."""
    if pd.isna(row[name]):
        return "–"
    return f"{100 * row[name]:.1f} ({100 * row[f'{name}_low']:.1f} to {100 * row[f'{name}_high']:.1f})"


def interval(row: Mapping[Any, Any], name: str) -> dict[str, float]:
    """One number of a row for a chart: value, low, high."""
    return {"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}


def variant(row: Mapping[Any, Any]) -> str:
    """What was shown, in words."""
    name = VARIANTS.get(row["variant"], row["variant"])
    return f"{name}, {row['fill']}" if row["fill"] else name


def points(row: Mapping[Any, Any] | None) -> str:
    """A difference of accuracies with its interval, in points."""
    if row is None:
        return "–"
    low, high = row["interval"]
    return f"{100 * row['difference']:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})".replace("-", "−")
