"""Shares of units by layer and over all layers, with intervals for the effective number of independent units.

Invariant: a share never leaves its interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.concepts.purity.measure import Measured
from engine.core.statistics import HIGH, LOW, share
from engine.sites.access import Site

HEADLINE = "beyond_likeness"


def shares(sites: Sequence[Site], measured: Sequence[Measured]) -> dict[str, pd.DataFrame]:
    """Tables `layers`, a row a site, and `overall`, one row; see PurityRequest."""
    rows = [
        {"layer": layer, "site": site.name, **_row([one])}
        for layer, (site, one) in enumerate(zip(sites, measured, strict=True))
    ]
    return {"layers": pd.DataFrame(rows), "overall": pd.DataFrame([_row(measured)])}


def independent(shuffled: np.ndarray, units: int) -> int:
    """Effective number of independent units, from the variance of their share of hits over permutations (P,).

    Units of a layer are correlated, so the variance of their share exceeds p (1 - p) / units by the design effect (Kish
    1965), by which the number of units is divided. Never more than `units`, and at least one.
    """
    p = float(shuffled.mean())
    single = p * (1 - p) / units
    effect = max(1.0, float(shuffled.var(ddof=1)) / single) if single > 0 and len(shuffled) > 1 else 1.0
    return max(1, round(units / effect))


def beside(tables: dict[str, pd.DataFrame], name: str, other: dict[str, pd.DataFrame] | None) -> None:
    """Write another measurement's shares of units beyond likeness beside those of `tables`, in columns `name`, `name`_low and
    `name`_high: layer by layer and overall. NaN where there is none."""
    for table in ("layers", "overall"):
        for column, ours in (
            (HEADLINE, name),
            (f"{HEADLINE}_low", f"{name}_low"),
            (f"{HEADLINE}_high", f"{name}_high"),
        ):
            tables[table][ours] = float("nan") if other is None else other[table][column].to_numpy()


def _row(measured: Sequence[Measured]) -> dict[str, Any]:
    """One row of numbers for the units of some sites together."""
    sizes = np.array([len(one.concept) for one in measured], np.float64)
    units = int(sizes.sum())
    baseline, strict = (
        sizes @ np.stack(rows) / units for rows in ([o.baseline for o in measured], [o.strict for o in measured])
    )
    counted = independent(baseline, units)
    row: dict[str, Any] = {"units": units, "independent": counted}
    shuffled = sizes @ np.stack([one.shuffled for one in measured]) / units
    for name, over in (("shuffled", shuffled), ("baseline", baseline), ("strict_baseline", strict)):
        low, high = np.percentile(over, (LOW, HIGH))
        row |= {name: float(over.mean()), f"{name}_low": float(low), f"{name}_high": float(high)}
    for name, passed in (
        (HEADLINE, beyond := np.concatenate([one.beyond for one in measured])),
        ("concept_units", np.concatenate([one.concept for one in measured])),
        ("nominal_units", np.concatenate([one.nominal for one in measured])),
        ("kind_units", np.concatenate([one.kind_unit for one in measured])),
    ):
        row[name], row[f"{name}_low"], row[f"{name}_high"] = _share(passed, counted)
    for name, values in (
        ("auroc", [one.auroc for one in measured]),
        ("average_precision", [one.average_precision for one in measured]),
    ):
        best = [value[one.beyond, one.tag[one.beyond]] for value, one in zip(values, measured, strict=True)]
        row[name] = float(np.median(np.concatenate(best))) if beyond.any() else float("nan")
    return row


def _share(passed: np.ndarray, counted: int) -> tuple[float, float, float]:
    """The share that passed, and its interval if `counted` independent units had been seen."""
    found = float(passed.mean())
    low, high = share(found * counted, counted)
    return found, min(low, found), max(high, found)
