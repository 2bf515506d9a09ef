"""Shares of units by layer and over all layers, with intervals for the effective number of independent units.

Invariant: a share never leaves its interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.concepts.purity.measure import Measured
from engine.core.quantiles import student_quantile
from engine.core.statistics import HIGH, LOW, share
from engine.sites.access import Site

HEADLINE = "beyond_likeness"
COUNTED = (HEADLINE, "concept_units", "nominal_units", "kind_units")
"""The shares of units that there are, of the model and of what it is held against."""
ALIKE = 0.3
"""Correlation of two units over kinds above which they are no two independent ones; chance alone hardly reaches it."""
AT_ONCE = 1024  # units compared with all others at once


def shares(sites: Sequence[Site], measured: Sequence[Measured]) -> dict[str, pd.DataFrame]:
    """Tables `layers`, a row a site, and `overall`, one row; see PurityRequest."""
    rows = [
        {"layer": layer, "site": site.name, **_row([one])}
        for layer, (site, one) in enumerate(zip(sites, measured, strict=True))
    ]
    return {"layers": pd.DataFrame(rows), "overall": pd.DataFrame([_row(measured)])}


def independent(passed: np.ndarray, standings: np.ndarray, shuffled: np.ndarray) -> np.ndarray:
    """Effective number of independent units for the share that passes each of some tests: their number over the design effect
    (Kish 1965), between one and all of them.

    `passed` (U, tests): which units pass; `standings` (K, U): of every kind for each unit; `shuffled` (P,): a share of units that
    pass by chance, over permutations. Two things make units tell less than as many independent ones, and the larger counts: that
    units which are alike (a correlation above ALIKE) pass together (the sum over such pairs, as Conley 1999 has it for places
    that are near, with Student's quantile for as many groups), and that their share varies more over permutations
    than p (1 - p) / U.
    """
    units = len(passed)
    p = float(shuffled.mean())
    single = p * (1 - p) / units
    by_chance = float(shuffled.var(ddof=1)) / single if single > 0 and len(shuffled) > 1 else 1.0
    apart = passed - passed.mean(axis=0)
    together, pairs = _over_alike(apart, standings)
    spread = (apart**2).sum(axis=0)
    groups = units**2 / pairs
    if groups <= 1:
        return np.ones(passed.shape[1])
    few = (student_quantile(0.975, groups - 1) / student_quantile(0.975, max(units - 1, 1))) ** 2
    effect = few * np.divide(together, spread, out=np.ones_like(spread), where=spread > 0)
    return np.maximum(1, units / np.maximum(1, np.maximum(effect, by_chance)))


def _over_alike(values: np.ndarray, standings: np.ndarray) -> tuple[np.ndarray, int]:
    """The sum of values[i] values[j] over all pairs of units that are alike, each with itself among them, for every column of
    `values` (U, tests); and how many such pairs there are."""
    centred = standings - standings.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    units = (centred / np.where(length > 0, length, 1)).astype(np.float32)
    sums, pairs = np.zeros(values.shape[1]), 0
    for start in range(0, len(values), AT_ONCE):
        rows = np.arange(start, min(start + AT_ONCE, len(values)))
        alike = units[:, rows].T @ units > ALIKE
        alike[np.arange(len(rows)), rows] = True
        sums += (values[rows] * (alike @ values)).sum(axis=0)
        pairs += int(alike.sum())
    return sums, pairs


def beside(tables: dict[str, pd.DataFrame], name: str, other: dict[str, pd.DataFrame] | None) -> None:
    """Write another measurement's shares of units beside those of `tables`, layer by layer and overall: each of COUNTED in the
    columns that `against` names. NaN where there is none."""
    for table in ("layers", "overall"):
        for counted in COUNTED:
            for end in ("", "_low", "_high"):
                theirs = float("nan") if other is None else other[table][f"{counted}{end}"].to_numpy()
                tables[table][f"{against(name, counted)}{end}"] = theirs


def against(name: str, counted: str = HEADLINE) -> str:
    """The column of a share of the units of `name` (twin, directions): its name alone for those beyond likeness."""
    return name if counted == HEADLINE else f"{name}_{counted}"


def _row(measured: Sequence[Measured]) -> dict[str, Any]:
    """One row of numbers for the units of some sites together."""
    sizes = np.array([len(one.concept) for one in measured], np.float64)
    units = int(sizes.sum())
    baseline, strict = (
        sizes @ np.stack(rows) / units for rows in ([o.baseline for o in measured], [o.strict for o in measured])
    )
    each = ([one.beyond, one.concept, one.nominal, one.kind_unit] for one in measured)
    passed = {name: np.concatenate(units) for name, units in zip(COUNTED, zip(*each, strict=True), strict=True)}
    standings = np.concatenate([one.standings for one in measured], axis=1)
    counted = independent(np.stack([*passed.values()], axis=1), standings, baseline)
    row: dict[str, Any] = {"units": units, "independent": round(counted[0])}
    shuffled = sizes @ np.stack([one.shuffled for one in measured]) / units
    for name, over in (("shuffled", shuffled), ("baseline", baseline), ("strict_baseline", strict)):
        low, high = np.percentile(over, (LOW, HIGH))
        row |= {name: float(over.mean()), f"{name}_low": float(low), f"{name}_high": float(high)}
    for (name, those), number in zip(passed.items(), counted, strict=True):
        row[name], row[f"{name}_low"], row[f"{name}_high"] = _share(those, float(number))
    for name, values in (
        ("auroc", [one.auroc for one in measured]),
        ("average_precision", [one.average_precision for one in measured]),
    ):
        best = [value[one.beyond, one.tag[one.beyond]] for value, one in zip(values, measured, strict=True)]
        row[name] = float(np.median(np.concatenate(best))) if passed[HEADLINE].any() else float("nan")
    return row


def _share(passed: np.ndarray, counted: float) -> tuple[float, float, float]:
    """The share that passed, and its interval if `counted` independent units had been seen."""
    found = float(passed.mean())
    low, high = share(found * counted, counted)
    return found, min(low, found), max(high, found)
