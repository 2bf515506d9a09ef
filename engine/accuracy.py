"""Accuracy with its interval, raw and normalised by the same images in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.answers import correct
from engine.statistics import bootstrap_ratio, wilson


def measured(
    top1: np.ndarray, top5: np.ndarray, loss: np.ndarray, full1: np.ndarray, full5: np.ndarray
) -> dict[str, Any]:
    """What one variant comes to.

    top1, top5 (n,) bool and loss (n,) of the variant, full1 and full5 (n,) bool of the same images in full. Accuracies
    are shares with Wilson's 95% interval; `..._normalised` is accuracy over accuracy in full (paper, Table 2), with a
    bootstrap interval in which both are resampled together, None where nothing is right in full.
    """
    n = len(top1)
    facts: dict[str, Any] = {"n": n, "loss": float(np.mean(loss))}
    for name, right, full in (("top1", top1, full1), ("top5", top5, full5)):
        ratio = bootstrap_ratio(right, full)
        facts |= {
            name: float(right.mean()),
            f"{name}_interval": wilson(float(right.sum()), n),
            f"{name}_normalised": None if ratio is None else ratio[0],
            f"{name}_normalised_interval": None if ratio is None else ratio[1:],
        }
    return facts


def variant_table(arrays: dict[str, np.ndarray], pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """One row a variant: `variant`, `fill` and what `measured` gives, intervals as `..._low` and `..._high`."""
    top1, top5 = correct(arrays, 1), correct(arrays, 5)
    rows = []
    for place, (name, fill) in enumerate(pairs):
        facts = measured(top1[:, place], top5[:, place], arrays["loss"][:, place], top1[:, 0], top5[:, 0])
        rows.append({"variant": name, "fill": fill, **flat(facts)})
    return pd.DataFrame(rows)


def flat(facts: dict[str, Any]) -> dict[str, Any]:
    """Intervals as two columns each; what is not there as NaN."""
    row: dict[str, Any] = {}
    for name, value in facts.items():
        if name.endswith("_interval"):
            low, high = value if value is not None else (np.nan, np.nan)
            row |= {f"{name.removesuffix('_interval')}_low": low, f"{name.removesuffix('_interval')}_high": high}
        else:
            row[name] = np.nan if value is None else value
    return row
