"""Planted units instead of a model's, on the starter's scenes, and what the experiment on concept units finds in them."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from engine.concepts.purity.request import PurityRequest, possible, tag_truth
from engine.core.request import Result, build
from engine.data.registry import open_dataset
from engine.sites.access import Site
from engine.sites.grid import Grid
from tests.conftest import hand_out
from tests.engine.contexts import Notebook


class Planted(Notebook):
    """A context whose index holds one unit for each of the first concepts in the first layer, noise in the second."""

    units = 40

    def compute(self, request) -> Result:
        dataset = open_dataset("starter")
        known = possible(tag_truth(dataset))
        values = np.random.default_rng(3).normal(size=(len(dataset), self.units)).astype(np.float32)
        if request.site == "blocks.0.mlp.hidden":
            values[known.numbers] = known.matrix[:, : self.units]
        return Result({}, {"images": np.arange(len(dataset), dtype=np.int32), "position_mean": values})


def planted_model(clip: object = None) -> SimpleNamespace:
    sites = [Site(f"blocks.{b}.mlp.hidden", Planted.units, Grid(2, 2, 1), b, "mlp.hidden", "") for b in (0, 1)]
    return SimpleNamespace(name="planted", sites={site.name: site for site in sites}, clip=clip)


@cache
def result() -> Result:
    """What the experiment finds, measured once for all tests."""
    patch = pytest.MonkeyPatch()
    hand_out(patch, {"planted": planted_model()})
    try:
        return build(PurityRequest, model="planted").run(Planted())
    finally:
        patch.undo()
