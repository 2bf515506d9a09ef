"""A model on a data set: what most experiments are asked about."""

from __future__ import annotations

from engine import catalog
from engine.datasets import open_dataset
from engine.experiment import Request


class OnImages(Request):
    """A request that reads one model's weights and one data set, and nothing else."""

    model: str
    data: str = "starter"

    def fingerprints(self) -> dict[str, str]:
        return {"model": catalog.fingerprint(self.model), "data": open_dataset(self.data).fingerprint}
