"""Accuracy with its interval, raw and normalised by the same images in full."""

from __future__ import annotations

from typing import Any

import numpy as np

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
