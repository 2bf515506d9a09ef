"""A model on a data set: what most experiments are asked about."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.choices import DEFAULT_DATA
from engine.core.request import Request
from engine.data.dataset import Dataset
from engine.data.registry import open_dataset
from engine.models import catalog


class OnImages(Request):
    """A request that reads one model's weights and one data set, and nothing else."""

    model: str
    data: str = DEFAULT_DATA

    def fingerprints(self) -> dict[str, str]:
        return {"model": catalog.fingerprint(self.model), "data": open_dataset(self.data).fingerprint}


def report(dataset: Dataset, skipped: dict[str, str], notes: Sequence[tuple[str, str]]) -> list[list[str]]:
    """What was left out, as (what, why): found on opening the data set, on matching its labels, and on the way."""
    return [list(entry) for entry in dict([*dataset.report(), *notes, *skipped.items()]).items()]
