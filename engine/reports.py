"""What an experiment on labelled images left out, and its numbers as columns of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.imagesets import Dataset


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


def report(dataset: Dataset, skipped: dict[str, str], notes: Sequence[tuple[str, str]]) -> list[list[str]]:
    """What was left out, as (what, why): found on opening the data set, on matching its labels, and on the way."""
    return [list(entry) for entry in dict([*dataset.report(), *notes, *skipped.items()]).items()]
