"""The page docs/seeds.md: a column a network, and what the seeds say of the two architectures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from starter.make.seeds import BESIDE, numbers, version_of

OLD = "*"
"""Marks what an earlier version of an experiment measured."""


def told(row: pd.Series | None, percent: bool, version: int | None = None) -> str:
    """A number with its interval; `version`: the present one, where a row of another is marked."""
    if row is None or not math.isfinite(row["value"]):
        return "–"
    form = (lambda value: f"{100 * value:.1f}") if percent else (lambda value: f"{value:.3f}")
    old = OLD if version is not None and row["version"] != version else ""
    return f"{form(row['value'])} ({form(row['low'])} to {form(row['high'])}){old}"


class Apart(NamedTuple):
    """First model minus second: means over seeds, with Welch's interval over networks, the smallest difference that they would
    have shown, and the probability of one as large where there is none."""

    value: float
    low: float
    high: float
    least: float
    p: float


def page(table: pd.DataFrame, models: Sequence[str]) -> str:
    """docs/seeds.md: a column a network, and what the seeds say of the two architectures."""
    present = [(model, seed) for model in models for seed in sorted(table[table["model"] == model]["seed"].unique())]
    named = [f"{model}, {'float32' if (model, seed) == BESIDE else f'seed {seed}'}" for model, seed in present]
    heads = ["", *named, "difference over seeds"]
    lines = [f"| {' | '.join(heads)} |", f"| {' | '.join(['---'] * len(heads))} |"]
    found: dict[str, Apart] = {}
    for number in numbers():
        mine, version = table[table["number"] == number.name].set_index(["model", "seed"]), version_of(number)
        cells = [told(mine.loc[key] if key in mine.index else None, number.percent, version) for key in present]
        unit = ", %" if number.percent else ""
        if (over := difference(of_one_meaning(mine, number.since), models, number.percent)) is not None:
            found[number.name] = over
        last = "–" if over is None else said(over, number.percent)
        lines.append(f"| {number.name}{unit} | {' | '.join(cells)} | {last} |")
    return "\n".join([ABOUT, *lines, *discoveries(found), ""])


def of_one_meaning(mine: pd.DataFrame, since: int) -> pd.DataFrame:
    """The rows of a number that may be compared: those measured since its meaning last changed, all where none was."""
    new = mine["version"] >= since
    return mine[new] if new.any() else mine


def difference(mine: pd.DataFrame, models: Sequence[str], percent: bool) -> Apart | None:
    """The difference of the architectures; None for fewer than two seeds of either, and where none differ."""
    from engine.core.quantiles import beta_tail, student_quantile
    from engine.core.statistics import POWER

    counted = mine["value"].drop(BESIDE, errors="ignore").dropna()
    sides = [counted[counted.index.get_level_values("model") == model].to_numpy(float) for model in models]
    if len(sides) != 2 or min(len(side) for side in sides) < 2:
        return None
    errors = [float(side.var(ddof=1)) / len(side) for side in sides]
    error = sum(errors)
    if error == 0:
        return None
    freedom = error**2 / sum(each**2 / (len(side) - 1) for each, side in zip(errors, sides, strict=True))
    reach = student_quantile(0.975, freedom) * math.sqrt(error)
    least = reach + student_quantile(POWER, freedom) * math.sqrt(error)
    value = float(sides[0].mean() - sides[1].mean())
    most = 1.0 if percent else math.inf  # shares cannot be farther apart
    p = beta_tail(freedom / (freedom + value**2 / error), freedom / 2, 0.5)
    return Apart(value, max(value - reach, -most), min(value + reach, most), least, p)


def said(over: Apart, percent: bool) -> str:
    """A difference with its interval, and where that holds 0 which one would have been seen."""
    size = f"{100 * over.least:.1f}" if percent else f"{over.least:.3f}"
    seen = f"; {size} would have been seen" if over.low <= 0 <= over.high else ""
    return f"{told(pd.Series(over._asdict()), percent)}{seen}"


def discoveries(found: Mapping[str, Apart]) -> list[str]:
    """Which of the differences stand when all are held to one false discovery rate; nothing where there are none."""
    from engine.core.discovery import FALSE, cut

    if not found:
        return []
    most = cut(np.array([over.p for over in found.values()]))
    stand, fall = (
        [name for name, over in found.items() if not over.low <= 0 <= over.high and (over.p <= most) == held]
        for held in (True, False)
    )
    told = f"At a false discovery rate of {FALSE:.0%} over all {len(found)} differences these stand: "
    told += f"{'; '.join(stand) or 'none'}."
    more = f" By its own interval alone, and so no finding: {'; '.join(fall)}." if fall else ""
    return ["", told + more]


ABOUT = """# Several seeds

Made by `python -m starter.make.seeds --scenes TRAIN --out RUN`. Each column is a network, trained from another seed (of its
weights, the order of the scenes and their augmentation) on the same scenes, in bfloat16. The ViT that ships was trained in
float32; it stands first and is not counted. In brackets: 95% intervals over images, kinds or units; a dash where something was
not measured. The last column is of the architectures: the first model's mean over its seeds minus the second's, with Welch's
95% interval over networks. Where that interval holds 0, it says which difference so few networks would have shown in 80% of
cases; there, and where the column is empty, the numbers speak of these networks and not of architectures. A star marks what an
earlier version of its experiment measured: the weights of further seeds do not ship, so it was not measured again. Of
units beyond likeness the shares are the same in both versions; intervals that were measured again changed by 0.1 points.
Starred shares of units that mark the object are by each image's own mask alone, which where objects mostly are decides in part
([trust.md](trust.md)); networks measured before and after that changed are not compared in them.

Of 23 comparisons at 95% one or two would leave out zero by chance alone. Which differences stand when all are held to a false
discovery rate of 5% is said below the table.

All of it was measured in bfloat16. The findings have most of these numbers in float32, and some with other random draws, so
that a few differ in the last digits for the networks that ship: answers to empty places 88.6% there and 88.9% here, units with
a name 19.0% and 18.6%, units beyond likeness 9.7% and 9.6%, and what uniform attention costs 2.4% with an interval to 3.3 and
to 3.4.
"""
