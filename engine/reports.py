"""What an experiment on labelled images left out."""

from __future__ import annotations

from collections.abc import Sequence

from engine.imagesets import Dataset


def report(dataset: Dataset, skipped: dict[str, str], notes: Sequence[tuple[str, str]]) -> list[list[str]]:
    """What was left out, as (what, why): found on opening the data set, on matching its labels, and on the way."""
    return [list(entry) for entry in dict([*dataset.report(), *notes, *skipped.items()]).items()]
