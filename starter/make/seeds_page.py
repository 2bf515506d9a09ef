"""The page docs/seeds.md: a column a network, and what the seeds say of the two architectures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import NamedTuple

import numpy as np
import pandas as pd

from starter.make.seeds import BESIDE, counts_from, numbers, version_of

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
        if (over := difference(mine[mine["version"] >= counts_from(number)], models, number.percent)) is not None:
            found[number.name] = over
        last = "–" if over is None else said(over, number.percent)
        lines.append(f"| {number.name}{unit} | {' | '.join(cells)} | {last} |")
    return "\n".join([about(table, len(found)), *lines, *discoveries(found), ""])


def about(table: pd.DataFrame, compared: int) -> str:
    """What stands above the table of `compared` differences: how it was made, in which precision, and what it lacks."""
    precisions = " and ".join(sorted(table["precision"].dropna().unique()))
    told = table[table["value"].notna()]
    aside = [
        number.name for number in numbers()
        if (told[told["number"] == number.name]["version"] < counts_from(number)).any()
    ]  # fmt: skip
    left = f" Not counted for that reason: {'; '.join(aside)}." if aside else ""
    several = (
        f"Of {compared} comparisons at 95%, {FALSE_ALONE * compared:.1f} leave out zero by chance alone, on average. Which "
        f"differences stand when all are held to a false discovery rate of 5% is said below the table."
    )
    measured = set(told[told["seed"] != 0]["number"])
    lacking = [number.name for number in numbers() if number.name not in measured]
    parts = [
        ABOUT + left,
        several if compared else "",
        MEASURED.format(precisions) if precisions else "",
        missing(lacking),
    ]
    return "\n\n".join(["# Several seeds", *(fill(part, 130) for part in parts if part)]) + "\n"


def missing(lacking: Sequence[str]) -> str:
    """What further seeds have no number of, because their weights do not ship."""
    told = f"Of further seeds these were not measured: {'; '.join(lacking)}. " if lacking else ""
    return (
        f"**What is missing.** {told}No line has the image that is moved (`spatial-moves`), the paths from layer to layer "
        f"(`layer-paths`) and ImageNet-9 (`challenge`, which needs its images). What README and the findings say of any of these "
        f"is said of the two networks that ship, and of no architecture. The weights of the further seeds do not ship; who "
        f"trains them again with the command above gets all lines."
    )


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


FALSE_ALONE = 0.05
"""The share of comparisons whose 95% interval leaves out zero though there is no difference."""
ABOUT = (
    "Made by `python -m starter.make.seeds --scenes TRAIN --out RUN`. Each column is a network, trained from another seed "
    "(of its weights, the order of the scenes and their augmentation) on the same scenes, in bfloat16. The ViT that ships "
    "was trained in float32; it stands first and is not counted. In brackets: 95% intervals over images, kinds or units; a "
    "dash where something was not measured in this series (the findings have most of it, of the two networks that ship). The "
    "last column is of the architectures: the first model's mean over its seeds minus the second's, with "
    "Welch's 95% interval over networks. Where that interval holds 0, it says which difference so few networks "
    "would have shown in 80% of cases; there, and where the column is empty, the numbers speak of these "
    "networks and not of architectures. A star marks what an earlier version of its experiment measured: the weights of "
    "further seeds do not ship, so it was not measured again; of the two that ship today's value is in the findings. Such a "
    "number is counted in the last column only where it means the same in both versions."
)
MEASURED = (
    "All of it was measured in {}. The findings have most of these numbers in float32, and some with other random draws, so that "
    "the last digits of a few differ for the networks that ship."
)
