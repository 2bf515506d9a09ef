"""An experiment about units of a layer that takes no time, writes down what it computes, and keeps each unit as it goes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from engine.core.errors import BadRequest
from engine.core.experiments import experiment
from engine.core.request import Context, Progress, Request, Result

LOG = "VITRINE_TOY_LOG"


def computed() -> list[str]:
    """What was computed so far, a line each."""
    path = Path(os.environ[LOG])
    return path.read_text().splitlines() if path.exists() else []


@experiment(title="One toy unit", about="One unit of a layer, for tests.", page="visualize", part=True)
class ToyUnitRequest(Request):
    """A unit of a layer."""

    experiment: ClassVar[str] = "toy-unit"
    version: ClassVar[int] = 1
    model: str
    site: str
    unit: int

    def fingerprints(self) -> dict[str, str]:
        return {}

    def run(self, context: Context) -> Result:
        time.sleep(float(os.environ.get("VITRINE_TOY_SECONDS", "0")))
        with Path(os.environ[LOG]).open("a") as log:
            log.write(f"{self.model}@{self.site}:{self.unit}\n")
        return Result(json.loads(self.canonical()), {"x": np.full(3, self.unit)})


@experiment(title="A toy layer", about="Units of a layer, for tests.", page="visualize")
class ToyLayerRequest(Request):
    """Units of a layer; `fails` is the unit at which it fails."""

    experiment: ClassVar[str] = "toy-layer"
    version: ClassVar[int] = 1
    model: str
    site: str
    units: tuple[int, ...] = Field(min_length=1)
    fails: int = -1

    def fingerprints(self) -> dict[str, str]:
        return {}

    def run(self, context: Context) -> Result:
        rows = []
        for number, unit in enumerate(self.units):
            context.report(Progress(number, len(self.units), f"unit {unit}"))
            if unit == self.fails:
                raise BadRequest(f"Unit {unit} cannot be looked at.")
            rows.append(context.compute(ToyUnitRequest(model=self.model, site=self.site, unit=unit)).arrays["x"])
        return Result(json.loads(self.canonical()), {"x": np.stack(rows)})
