"""An experiment that costs next to nothing, for measurements of everything around it: `VITRINE_PLUGINS=bench.toy`."""

from __future__ import annotations

import time
from typing import ClassVar

import numpy as np
import pandas as pd
import streamlit as st
from pydantic import Field

from engine.core.experiments import experiment
from engine.core.request import Context, Progress, Request, Result
from pages.common.experiments.drawings import drawing

STEPS = 20


@experiment(title="Numbers", about="Random numbers and their mean; what a measurement asks for.", page="reliance")
class NumbersRequest(Request):
    """Random numbers from a seed. Array `numbers`: float32 (size). Table `mean`: the mean in each of the steps."""

    experiment: ClassVar[str] = "numbers"
    version: ClassVar[int] = 1
    seed: int = Field(default=0, ge=0)
    size: int = Field(default=1000, ge=1, le=10_000_000)
    seconds: float = Field(default=0.2, ge=0, le=3600, description="how long it takes at least")
    needs: int | None = Field(default=None, description="seed of another such request that it builds on")

    def fingerprints(self) -> dict[str, str]:
        return {}

    def run(self, context: Context) -> Result:
        if self.needs is not None:
            context.compute(NumbersRequest(seed=self.needs, size=self.size, seconds=self.seconds))
        numbers, means = np.random.default_rng(self.seed), []
        drawn = numbers.standard_normal(self.size, np.float32)
        for step in range(STEPS):
            context.report(Progress(step, STEPS, "Drawing"))
            means.append(float(drawn[: max(1, self.size * (step + 1) // STEPS)].mean()))
            time.sleep(self.seconds / STEPS)
        request = {"experiment": self.experiment, "version": self.version, **self.model_dump(mode="json")}
        return Result(
            request,
            {"numbers": drawn},
            {"mean": pd.DataFrame({"step": range(STEPS), "mean": means})},
            {"seed": self.seed},
        )


def right(request: NumbersRequest, result: Result) -> bool:
    """Whether a result is the one of this request, to the last bit."""
    drawn = np.random.default_rng(request.seed).standard_normal(request.size, np.float32)
    return bool(np.array_equal(result.arrays["numbers"], drawn)) and len(result.tables["mean"]) == STEPS


@drawing("numbers")
def draw(result: Result, key: str) -> None:
    """The mean of all numbers."""
    st.metric("Mean", f"{result.tables['mean']['mean'].iloc[-1]:.4f}")
